// Somebody who comes and goes, votes, and has a bad connection, all by chance.

import { setTimeout as pause } from "node:timers/promises";

import type { Person, Tab } from "../people";
import type { Chance } from "../chance";

/** What a room must bear without a command more in its log, and the same with votes in the place of silence. */
const COMING_AND_GOING = { reload: 1, leave: 1, cut: 2, vote: 0, silence: 36 };
const VOTING = { ...COMING_AND_GOING, vote: 36, silence: 0 };

/** From one deed to the next. */
const REST_MS = [2_000, 12_000] as const;
const AWAY_MS = [1_000, 20_000] as const;

export class Participant {
  private constructor(
    private readonly person: Person,
    private tab: Tab,
    private readonly link: string,
    private readonly chance: Chance,
  ) {}

  static async come(person: Person, link: string, chance: Chance): Promise<Participant> {
    const participant = new Participant(person, person, link, chance);
    await participant.join();
    return participant;
  }

  /** Lives in the room until told to stop; votes only while `isVoting` says so. */
  async live(labels: string[], isVoting: () => boolean, { signal }: AbortController): Promise<void> {
    while (!signal.aborted) {
      switch (this.chance.pick(isVoting() ? VOTING : COMING_AND_GOING)) {
        case "vote":
          await this.vote(labels[this.chance.below(labels.length)]);
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
        case "silence":
          break;
      }
      await pause(this.chance.between(...REST_MS));
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
    await pause(this.chance.between(...AWAY_MS));
    this.tab = await this.person.newTab();
    await this.join();
  }

  private async join(): Promise<void> {
    await this.tab.visit(this.link);
    await this.tab.poll.isConnected();
  }
}
