import { expect, test } from "@playwright/test";

import { leastSquares } from "./memory";

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
