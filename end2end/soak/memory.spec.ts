import { expect, test } from "@playwright/test";

import { growths, isTooMuch, leastSquares, type Sample } from "./memory";

test("least squares find what the values were made of", () => {
  const rows = [
    [1, 0, 1],
    [1, 1, 5],
    [1, 2, 5],
    [1, 3, 9],
  ];
  const made = [100, 0.5, 3];
  const values = rows.map((row) => row.reduce((sum, cell, at) => sum + cell * made[at], 0));
  const found = leastSquares(rows, values);
  for (const [at, coefficient] of made.entries()) expect(found[at]).toBeCloseTo(coefficient, 9);
});

/** Half an hour as it should be: votes in every other five minutes, which the log keeps, and people who come and go. */
function halfAnHour(change: (sample: Sample, at: number) => Partial<Sample> = () => ({})): Sample[] {
  return Array.from({ length: 61 }, (_, at) => {
    const minutes = at / 2;
    const phase = Math.floor(minutes / 5);
    const commands = Math.round(60 * (5 * Math.ceil(phase / 2) + (phase % 2 === 0 ? minutes % 5 : 0)));
    const connections = 20 - (at % 3);
    const heapKb = 3_000 + 40 * (at % 2);
    const wasmKb = 1_600 + 64 * Math.floor((1.2 * commands) / 64);
    const sample = { minutes, commands, connections, heapKb, wasmKb, nodes: 800 + 40 * connections, listeners: 60 + 17 * connections };
    return { ...sample, ...change(sample, at) };
  });
}

const LEAKS: Record<string, (sample: Sample, at: number) => Partial<Sample>> = {
  "JavaScript heap, kB a minute": ({ minutes, heapKb }) => ({ heapKb: heapKb + 25 * minutes }),
  "WebAssembly memory, kB a minute while nobody votes": ({ minutes, wasmKb }) => ({ wasmKb: wasmKb + 25 * minutes }),
  "WebAssembly memory, kB a command": ({ commands, wasmKb }) => ({ wasmKb: wasmKb + 2.5 * commands }),
  "DOM nodes a minute": ({ minutes, nodes }) => ({ nodes: nodes + 4 * minutes }),
  "listeners a minute": ({ minutes, listeners }) => ({ listeners: listeners + 3 * minutes }),
};

const grownTooMuch = (samples: Sample[]): string[] => growths(samples).filter(isTooMuch).map(({ what }) => what);

test("what stays as it is, but for the log, has not grown too much", () => {
  expect(grownTooMuch(halfAnHour())).toEqual([]);
});

for (const [what, leak] of Object.entries(LEAKS)) {
  test(`a leak is found: ${what}`, () => {
    expect(grownTooMuch(halfAnHour(leak))).toEqual([what]);
  });
}

test("what can't be told counts as too much", () => {
  const silent = halfAnHour(() => ({ commands: 1, connections: 20, wasmKb: 1_600 }));
  expect(grownTooMuch(silent)).toEqual(["WebAssembly memory, kB a command", "DOM nodes a minute", "listeners a minute"]);
});
