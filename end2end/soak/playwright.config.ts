// `cargo xtask soak`: one room for a long time. The environment says how long, for how many, and after which seed.

import base from "../playwright.config";

export const MINUTES = Number(process.env.PEERPOLL_SOAK_MINUTES ?? 30);
export const PARTICIPANTS = Number(process.env.PEERPOLL_SOAK_PARTICIPANTS ?? 20);
/** So many have a browser of their own, which can be killed and frozen; the others share one. */
export const CRASHABLE = Math.min(3, PARTICIPANTS);
/** A shorter run tells growth from warming up no better than chance, and may go by without some kind of fault. */
export const TELLING_MINUTES = 10;

/** Twenty pages and their owner's share the machine, signalling may be away, and the next try a minute off. */
const PATIENCE_MS = 150_000;
/** For everybody to come in the beginning, and to be in step in the end. */
const AROUND_MINUTES = 15;

export default {
  ...base,
  testDir: ".",
  outputDir: "../test-results/soak",
  workers: 1,
  timeout: (MINUTES + AROUND_MINUTES) * 60_000,
  expect: { timeout: PATIENCE_MS },
  use: { ...base.use, actionTimeout: PATIENCE_MS, navigationTimeout: PATIENCE_MS, trace: "off" as const },
};
