// Prints what the kill tests have counted, and the sum.

import type { Reporter, TestCase, TestResult } from "@playwright/test/reporter";

import type { Tally } from "./ledger";

export const TALLIES = "tallies";

const COLUMNS = ["kills", "saved", "acked", "lost", "unsent", "twice"] as const;
const LABEL_WIDTH = 44;

export default class KillReporter implements Reporter {
  private readonly rows: [label: string, Omit<Tally, "step">][] = [];

  onTestEnd(test: TestCase, result: TestResult): void {
    const body = result.attachments.find(({ name }) => name === TALLIES)?.body;
    if (body === undefined) return;
    for (const tally of JSON.parse(body.toString()) as Tally[]) this.rows.push([`${test.title}: ${tally.step}`, tally]);
  }

  onEnd(): void {
    if (this.rows.length === 0) return;
    print("", COLUMNS);
    for (const [label, tally] of this.rows) print(label, COLUMNS.map((column) => tally[column]));
    const sum = (column: (typeof COLUMNS)[number]) => this.rows.reduce((total, [, tally]) => total + tally[column], 0);
    print("in all", COLUMNS.map(sum));
  }
}

function print(label: string, cells: readonly (string | number)[]): void {
  console.log(label.padEnd(LABEL_WIDTH) + cells.map((cell) => String(cell).padStart(8)).join(""));
}
