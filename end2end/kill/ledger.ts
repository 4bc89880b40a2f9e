// What browsers told before they were killed, kept where no kill can reach it, and compared with the owner's log.

import type { Page } from "@playwright/test";

import { rowsIn } from "../stored";
import { STEPS, type Step } from "./traps";

export type Saved = { id: string; choices: number[] };
export type Acked = { id: string; revision: number };
export type Entry = { id: string; author: string; revision: number; choices: number[] };

/** One row of the report. */
export type Tally = { step: Step; kills: number; saved: number; acked: number; lost: number; unsent: number; twice: number };

type Known = { step: Step; revisions: Set<number> };

export class Ledger {
  private readonly votes = new Map<string, Known>();
  private readonly kills = new Map<Step, number>();
  private step: Step = STEPS[0];
  /** The latest of which there is a receipt. */
  revision = 1;

  /** What is told from now on belongs to this step. */
  turnTo(step: Step): void {
    this.step = step;
  }

  killed(): void {
    this.kills.set(this.step, (this.kills.get(this.step) ?? 0) + 1);
  }

  saved({ id }: Saved): void {
    this.know(id);
  }

  /** A receipt has reached its participant's page. */
  acked({ id, revision }: Acked): void {
    this.know(id).revisions.add(revision);
    this.revision = Math.max(this.revision, revision);
  }

  /** What became of all that was told: nothing acked may be lost, nothing saved stay unsent, nothing count twice. */
  compare(log: Entry[]): Tally[] {
    return STEPS.map((step) => {
      const votes = [...this.votes].filter(([, known]) => known.step === step);
      const entries = (id: string) => log.filter((entry) => entry.id === id);
      const isKept = (id: string, revision: number) => log.some((entry) => entry.id === id && entry.revision === revision);
      return {
        step,
        kills: this.kills.get(step) ?? 0,
        saved: votes.length,
        acked: votes.filter(([, { revisions }]) => revisions.size > 0).length,
        lost: votes.filter(([id, { revisions }]) => [...revisions].some((revision) => !isKept(id, revision))).length,
        unsent: votes.filter(([id]) => entries(id).length === 0).length,
        twice: votes.filter(([id]) => entries(id).length > 1).length,
      };
    });
  }

  private know(id: string): Known {
    const known = this.votes.get(id) ?? { step: this.step, revisions: new Set() };
    this.votes.set(id, known);
    return known;
  }
}

/** Every option's votes after a log, and who has voted at all: the last vote of each author counts. */
export function countVotes(log: Entry[], options: string[]): { votes: Record<string, number>; voters: number } {
  const last = [...new Map(log.map(({ author, choices }) => [author, choices])).values()];
  const votes = options.map((label, option) => [label, last.filter((choices) => choices.includes(option)).length]);
  return { votes: Object.fromEntries(votes), voters: last.filter((choices) => choices.length > 0).length };
}

/** The votes in an owner's log, as its storage holds them. */
export async function votesIn(page: Page): Promise<Entry[]> {
  return (await rowsIn(page, "log"))
    .map((row) => JSON.parse(row).entry)
    .filter(({ signed }) => signed.command.action.type === "poll:vote")
    .map(({ revision, signed: { command } }) => ({
      id: command.id,
      author: command.author,
      revision,
      choices: command.action.payload.choices,
    }));
}
