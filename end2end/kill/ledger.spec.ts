// The ledger's own arithmetic, or else a loss could go unseen.

import { expect, test } from "@playwright/test";

import { Ledger } from "./ledger";
import { STEPS } from "./traps";

test("what is lost, unsent or counted twice is told apart, step by step", () => {
  const ledger = new Ledger();
  const entry = (id: string, revision: number) => ({ id, revision, author: "a", choices: [0] });
  for (const id of ["kept", "gone", "moved", "waiting"]) ledger.saved({ id, choices: [0] });
  ledger.acked({ id: "kept", revision: 2 });
  ledger.acked({ id: "gone", revision: 3 });
  ledger.acked({ id: "moved", revision: 4 });
  ledger.killed();
  ledger.turnTo(STEPS[1]);
  ledger.acked({ id: "twice", revision: 6 });
  ledger.killed();
  ledger.killed();

  const log = [entry("kept", 2), entry("moved", 5), entry("twice", 6), entry("twice", 7)];
  const [first, second] = ledger.compare(log);
  expect(first).toEqual({ step: STEPS[0], kills: 1, saved: 4, acked: 3, lost: 2, unsent: 2, twice: 0 });
  expect(second).toEqual({ step: STEPS[1], kills: 2, saved: 1, acked: 1, lost: 0, unsent: 0, twice: 1 });
});
