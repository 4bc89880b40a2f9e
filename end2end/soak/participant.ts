// Somebody who comes and goes, votes, and has a bad connection, all by chance. Whoever has a browser of their own may lose it
// as well: killed and started again, or frozen for a while, without a word to anybody.

import { setTimeout as pause } from "node:timers/promises";

import type { Chance } from "../chance";
import type { CrashableBrowser } from "../crashable";
import type { Person, Tab } from "../people";

/** Connections end, and the other end is told. */
const POLITE = { reload: 1, leave: 1, cut: 2 };
/** Connections end, or stand still, and nobody is told. */
const SILENT = { kill: 2, freeze: 2 };
/** What is done otherwise: votes, or nothing, so that a room bears the same without a command more in its log. */
const MOSTLY = 36;

export const FAULTS = ["reload", "leave", "cut", "kill", "freeze", "signalling restart"] as const;
/** How often each has happened. */
export type Faults = Record<(typeof FAULTS)[number], number>;

/** From one deed to the next. */
const REST_MS = [2_000, 12_000] as const;
const AWAY_MS = [1_000, 20_000] as const;
/** Up to twice as long as a peer's silence is put up with: some are missed and some are not. */
const FROZEN_MS = [5_000, 30_000] as const;

type Origin = {
  /** Starts their browser, or starts it again with what its profile holds. */
  arrive: () => Promise<Person>;
  /** Where it is theirs alone. */
  browser?: CrashableBrowser;
  link: string;
  chance: Chance;
  /** Counted here. */
  faults: Faults;
};

export class Participant {
  private tab: Tab;

  private constructor(
    private readonly origin: Origin,
    private person: Person,
  ) {
    this.tab = person;
  }

  static async come(origin: Origin): Promise<Participant> {
    const participant = new Participant(origin, await origin.arrive());
    await participant.join();
    return participant;
  }

  /** Lives in the room until told to stop; votes only while `isVoting` says so. */
  async live(labels: string[], isVoting: () => boolean, { signal }: AbortController): Promise<void> {
    const { browser, chance, faults } = this.origin;
    const ends = { ...POLITE, ...(browser === undefined ? { kill: 0, freeze: 0 } : SILENT) };
    while (!signal.aborted) {
      const usual = isVoting() ? { vote: MOSTLY, silence: 0 } : { vote: 0, silence: MOSTLY };
      const deed = chance.pick({ ...ends, ...usual });
      switch (deed) {
        case "vote":
          await this.vote(labels[chance.below(labels.length)]);
          break;
        case "silence":
          break;
        case "reload":
          await this.tab.page.reload();
          break;
        case "cut":
          await this.tab.wire.cut();
          break;
        case "leave":
          await this.leaveForAWhile();
          break;
        case "kill":
          await this.beKilled();
          break;
        case "freeze":
          await this.beFrozen();
          break;
      }
      if (deed !== "vote" && deed !== "silence") faults[deed] += 1;
      await pause(chance.between(...REST_MS));
    }
  }

  /** Everything of theirs is with the owner, and they see it. */
  async isInStep(): Promise<void> {
    await this.tab.poll.isConnected();
    await this.tab.poll.isSynced();
  }

  async shows(votes: Record<string, number>, voters: number): Promise<void> {
    await this.tab.poll.shows(votes, { voters });
  }

  private async vote(label: string): Promise<void> {
    await this.tab.poll.isConnected();
    await this.tab.poll.pressIfOn(label);
  }

  private async leaveForAWhile(): Promise<void> {
    await this.tab.page.close();
    await pause(this.origin.chance.between(...AWAY_MS));
    this.tab = await this.person.newTab();
    await this.join();
  }

  private async beKilled(): Promise<void> {
    await this.origin.browser?.kill();
    await pause(this.origin.chance.between(...AWAY_MS));
    this.person = await this.origin.arrive();
    this.tab = this.person;
    await this.join();
  }

  private async beFrozen(): Promise<void> {
    this.origin.browser?.freeze();
    await pause(this.origin.chance.between(...FROZEN_MS));
    this.origin.browser?.thaw();
  }

  private async join(): Promise<void> {
    await this.tab.visit(this.origin.link);
    await this.tab.poll.isConnected();
  }
}
