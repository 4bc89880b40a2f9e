// SIGKILL for the owner's browser and for a participant's, at every step of a vote's way, while somebody else votes on:
// no acked vote is lost, every saved one arrives, and none counts twice.

import type { Route } from "@playwright/test";

import { CrashableBrowser } from "../crashable";
import { expect, test as base } from "../fixtures";
import type { Person } from "../people";
import { countVotes, Ledger, votesIn } from "./ledger";
import { TALLIES } from "./reporter";
import { letGo, SIDES, type Side, STEPS, type Step, Traps } from "./traps";

const TIMES = Number(process.env.PEERPOLL_KILL_TIMES ?? 1);
/** A browser starts, dials and is in step again, on a machine that is busy. */
const BACK_MS = 60_000;

/** Only the votes of whoever may be killed are for the last two. */
const MENU = { question: "What do we eat?", options: ["Pizza", "Soup", "Salad", "Cake"] };
const [WITNESS, DOOMED] = [MENU.options.slice(0, 2), MENU.options.slice(2)];

const test = base.extend<{ ownersBrowser: CrashableBrowser; votersBrowser: CrashableBrowser }>({
  ownersBrowser: async ({ people }, use) => {
    const browser = await CrashableBrowser.prepare(people);
    await use(browser);
    await browser.remove();
  },
  votersBrowser: async ({ people }, use) => {
    const browser = await CrashableBrowser.prepare(people);
    await use(browser);
    await browser.remove();
  },
});

/** Somebody whose browser may be killed and started again. */
class Doomed {
  private constructor(
    private readonly browser: CrashableBrowser,
    private readonly ledger: Ledger,
    private readonly name: Side,
    public person: Person,
    private traps: Traps,
  ) {}

  static async start(browser: CrashableBrowser, ledger: Ledger, name: Side): Promise<Doomed> {
    const person = await browser.start(name);
    return new Doomed(browser, ledger, name, person, await Traps.lay(person.context, ledger));
  }

  setTrap(step: Step): Promise<void> {
    return this.traps.set(this.person.page, step);
  }

  /** Waits until the trap has sprung, and returns what lets the page go on. */
  stands(): Promise<Route> {
    return this.traps.sprung(BACK_MS);
  }

  async kill(): Promise<void> {
    await this.browser.kill();
    this.ledger.killed();
  }

  async restart(link: string): Promise<void> {
    this.person = await this.browser.start(this.name);
    this.traps = await Traps.lay(this.person.context, this.ledger);
    await this.person.visit(link);
    await this.person.poll.isConnected(BACK_MS);
  }
}

/** Votes again and again, whatever happens to others, each time when the vote before is confirmed. */
async function keepVoting({ poll }: Person, traps: Traps, { signal }: AbortController): Promise<void> {
  for (let votes = 0; !signal.aborted; ) {
    const label = WITNESS[votes % WITNESS.length];
    await poll.canVote(label, BACK_MS);
    if (await poll.pressIfOn(label)) votes += 1;
    await expect.poll(() => traps.acked, { intervals: [20], timeout: BACK_MS }).toBe(votes);
  }
}

for (const victim of ["owner", "voter"] as const) {
  test(`${victim} killed`, async ({ ownersBrowser, votersBrowser, another }, info) => {
    const ledger = new Ledger();
    const room = {
      owner: await Doomed.start(ownersBrowser, ledger, "owner"),
      voter: await Doomed.start(votersBrowser, ledger, "voter"),
    };
    const witness = await Traps.lay(another.context, ledger);
    const link = await room.owner.person.createPoll(MENU);
    await room.voter.person.join(link);
    await another.join(link);

    const ending = new AbortController();
    const voting = keepVoting(another, witness, ending);
    let turn = 0;
    for (const step of STEPS) {
      ledger.turnTo(step);
      for (let time = 0; time < TIMES; time += 1) {
        await test.step(`${step}, ${time + 1}`, async () => {
          const label = DOOMED[turn % DOOMED.length];
          // Whoever comes back later is told by the state, which is no step of a vote's way.
          await another.poll.isConnected(BACK_MS);
          await room[SIDES[step]].setTrap(step);
          await room.voter.person.poll.pressSoon(label);
          const stands = await room[SIDES[step]].stands();
          if (step === "others told") await expect(another.poll.meter(label)).toHaveAttribute("value", "1");

          await room[victim].kill();
          if (SIDES[step] !== victim) await letGo(stands);
          await room[victim].restart(link);
          await room.voter.person.poll.isConnected(BACK_MS);
          await room.voter.person.poll.isSynced(BACK_MS);
          const isKept = step !== "clicked, not saved" || victim !== "voter";
          await room.voter.person.poll.hasChosen(label, isKept);
          if (isKept) turn += 1;
        });
      }
    }
    ending.abort();
    await voting;

    const log = await votesIn(room.owner.person.page);
    const tallies = ledger.compare(log);
    await info.attach(TALLIES, { body: JSON.stringify(tallies), contentType: "application/json" });
    for (const tally of tallies) {
      const { step, acked, saved } = tally;
      expect(tally).toEqual({ step, kills: TIMES, saved, acked: saved, lost: 0, unsent: 0, twice: 0 });
    }
    expect(log).toHaveLength(tallies.reduce((sum, { saved }) => sum + saved, 0));
    const { votes, voters } = countVotes(log, MENU.options);
    // Whoever the owner did not know to tell of its return finds out by itself.
    for (const { poll } of [room.owner.person, room.voter.person, another]) await poll.shows(votes, { voters, timeout: BACK_MS });
  });
}
