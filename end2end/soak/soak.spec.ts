// A room for a long time: people come and go, vote and change their minds, browsers are killed and frozen, connections end and
// signalling restarts. In the end the owner's count is what the participants' receipts say, and its page takes no more than it
// has to.

import { randomInt } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

import { CrashableBrowser } from "../crashable";
import { expect, test as base } from "../fixtures";
import { countVotes, Ledger, votesIn } from "../kill/ledger";
import { Traps } from "../kill/traps";
import { PEER_SERVER_AWAY } from "../problems";
import type { Site } from "../site";
import { Chance } from "../chance";
import { growths, isTooMuch, MemoryProbe, type Sample } from "./memory";
import { FAULTS, type Faults, Participant } from "./participant";
import { CRASHABLE, MINUTES, PARTICIPANTS, TELLING_MINUTES } from "./playwright.config";

const SEED = Number(process.env.PEERPOLL_SOAK_SEED ?? randomInt(2 ** 31));
const MENU = { question: "What do we eat?", options: ["Pizza", "Soup", "Salad", "Cake"] };

const SAMPLES = 60;
/** Voting and mere coming and going take turns, so that what commands take can be told from what time takes. */
const PHASES = 6;
const SIGNALLING_UP_MS = [60_000, 180_000] as const;
const SIGNALLING_DOWN_MS = [1_000, 10_000] as const;

/** Whoever is dialling anew is here twice until the old connection has been given up. */
const CONNECTIONS_MAX = 2 * PARTICIPANTS;
const COLUMNS = ["minutes", "commands", "heap kB", "wasm kB", "nodes", "listeners", "connections"];
const COLUMN_WIDTH = 12;

const test = base.extend<{ crashables: CrashableBrowser[] }>({
  crashables: async ({ people }, use) => {
    const browsers = await Promise.all(Array.from({ length: CRASHABLE }, () => CrashableBrowser.prepare(people)));
    await use(browsers);
    await Promise.all(browsers.map((browser) => browser.remove()));
  },
});

async function restartNowAndThen({ peerServer }: Site, chance: Chance, faults: Faults, { signal }: AbortController): Promise<void> {
  for (;;) {
    try {
      await pause(chance.between(...SIGNALLING_UP_MS), undefined, { signal });
    } catch {
      return;
    }
    await peerServer.stop();
    await pause(chance.between(...SIGNALLING_DOWN_MS));
    await peerServer.startAgain();
    faults["signalling restart"] += 1;
  }
}

function print(cells: (string | number)[]): void {
  console.log(cells.map((cell) => String(cell).padStart(COLUMN_WIDTH)).join(""));
}

function cells({ minutes, commands, heapKb, wasmKb, nodes, listeners, connections }: Sample): (string | number)[] {
  return [minutes.toFixed(1), commands, heapKb.toFixed(0), wasmKb.toFixed(0), nodes, listeners, connections];
}

test(`${PARTICIPANTS} people in one room for ${MINUTES} minutes`, async ({ site, problems, people, crashable, crashables }) => {
  console.log(`seed ${SEED}`);
  problems.expect(PEER_SERVER_AWAY);
  const ledger = new Ledger();
  const owner = await crashable.start("owner");
  const probe = await MemoryProbe.attach(owner.context, owner.page);
  const link = await owner.createPoll(MENU);
  const faults = Object.fromEntries(FAULTS.map((fault) => [fault, 0])) as Faults;
  const room: Participant[] = [];
  for (let number = 1; number <= PARTICIPANTS; number += 1) {
    const [name, browser] = [`participant ${number}`, crashables.at(number - 1)];
    const arrive = async () => {
      const person = await (browser === undefined ? people.join(name) : browser.start(name));
      await Traps.lay(person.context, ledger);
      return person;
    };
    room.push(await Participant.come({ arrive, browser, link, chance: new Chance(SEED, name), faults }));
  }

  const start = Date.now();
  const elapsed = () => (Date.now() - start) / 60_000;
  const isVoting = () => Math.floor((elapsed() / MINUTES) * PHASES) % 2 === 0;
  const ending = new AbortController();
  const lives = Promise.all([
    ...room.map((participant) => participant.live(MENU.options, isVoting, ending)),
    restartNowAndThen(site, new Chance(SEED, "signalling"), faults, ending),
  ]);
  const samples: Sample[] = [];
  const sampling = async () => {
    print(COLUMNS);
    for (let at = 0; at <= SAMPLES; at += 1) {
      await pause(Math.max(0, start + (at * MINUTES * 60_000) / SAMPLES - Date.now()));
      await owner.wire.forget();
      samples.push(await probe.sample(elapsed(), ledger.revision));
      print(cells(samples[at]));
    }
    ending.abort();
  };
  await Promise.all([lives, sampling()]);
  for (const participant of room) await participant.isInStep();
  const grown = growths(samples);
  for (const { what, found, max } of grown) console.log(`${what}: ${found.toFixed(2)}, of which ${max} is allowed`);
  console.log(FAULTS.map((fault) => `${fault}: ${faults[fault]}`).join(", "));

  const log = await votesIn(owner.page);
  const tallies = ledger.compare(log).filter(({ saved }) => saved > 0);
  for (const tally of tallies) expect(tally).toMatchObject({ acked: tally.saved, lost: 0, unsent: 0, twice: 0 });
  expect(log).toHaveLength(tallies.reduce((sum, { saved }) => sum + saved, 0));
  const { votes, voters } = countVotes(log, MENU.options);
  await owner.poll.shows(votes, { voters });
  for (const participant of room) await participant.shows(votes, voters);
  console.log(`${log.length} votes, all acked, none lost, none counted twice`);

  await expect.poll(() => probe.connections(), { message: "one connection with each, and none left over" }).toBe(PARTICIPANTS);
  expect(samples.filter(({ connections }) => connections > CONNECTIONS_MAX)).toEqual([]);
  if (MINUTES < TELLING_MINUTES) {
    console.log(`too short for more: growth and kinds of faults are held to their bounds from ${TELLING_MINUTES} minutes on`);
    return;
  }
  expect(grown.filter(isTooMuch), "what the owner's page takes more and more of").toEqual([]);
  expect(FAULTS.filter((fault) => faults[fault] === 0), "what never happened").toEqual([]);
});
