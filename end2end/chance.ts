// Chance that a seed decides: what is drawn from one seed under one name is always the same.

import { createHash } from "node:crypto";

const UINT32 = 2 ** 32;

export class Chance {
  private drawn = 0;

  constructor(
    private readonly seed: number,
    private readonly name: string,
  ) {}

  /** From 0 up to, but not including, `end`. */
  below(end: number): number {
    this.drawn += 1;
    const digest = createHash("sha256").update(`${this.seed}/${this.name}/${this.drawn}`).digest();
    return Math.floor((digest.readUInt32BE() / UINT32) * end);
  }

  between(low: number, high: number): number {
    return low + this.below(high - low);
  }

  /** One of several, by their weights. */
  pick<T extends string>(weights: Record<T, number>): T {
    const entries = Object.entries(weights) as [T, number][];
    let rest = this.below(entries.reduce((sum, [, weight]) => sum + weight, 0));
    for (const [what, weight] of entries) {
      if (rest < weight) return what;
      rest -= weight;
    }
    throw new Error("no weights");
  }
}
