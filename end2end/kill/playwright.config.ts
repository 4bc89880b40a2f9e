// `cargo xtask kill`: browsers killed at every step of a vote's way. PEERPOLL_KILL_TIMES says how often at each.

import base from "../playwright.config";

/** Two browsers start again for every kill. */
const KILL_TIMEOUT_MS = 60_000;
const KILLS = 8 * Number(process.env.PEERPOLL_KILL_TIMES ?? 1);

export default {
  ...base,
  testDir: ".",
  outputDir: "../test-results/kill",
  timeout: KILLS * KILL_TIMEOUT_MS,
  // It would hold every page's every change, for hours.
  use: { ...base.use, trace: "off" as const },
  reporter: [["list"], ["./reporter.ts"]],
};
