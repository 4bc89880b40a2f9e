// The end-to-end tests: the built page in Chromium, over a PeerServer of their own.
//
// `cargo xtask test e2e` names the browser and the built page; by hand, PEERPOLL_CHROMIUM and PEERPOLL_DIST do.

import { defineConfig } from "@playwright/test";

/** Votes, reconnections and the like are there at once or soon; a bound of the specification is named where it is tested. */
const EXPECT_TIMEOUT_MS = 10_000;
const TEST_TIMEOUT_MS = 90_000;

/** Nothing that the tests start has any business beyond this machine. `.local` is how WebRTC hides local addresses. */
const LOOPBACK_ONLY = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE *.local";

export const CHROMIUM_ARGS = [
  "--no-sandbox",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-default-apps",
  "--disable-sync",
  `--host-resolver-rules=${LOOPBACK_ONLY}`,
];

export default defineConfig({
  testDir: "specs",
  outputDir: "test-results",
  fullyParallel: true,
  workers: 2,
  retries: 0,
  forbidOnly: Boolean(process.env.CI),
  reporter: [["list"]],
  timeout: TEST_TIMEOUT_MS,
  expect: { timeout: EXPECT_TIMEOUT_MS },
  use: {
    browserName: "chromium",
    launchOptions: { executablePath: process.env.PEERPOLL_CHROMIUM, args: CHROMIUM_ARGS },
    locale: "en-GB",
    timezoneId: "UTC",
    viewport: { width: 1280, height: 900 },
    actionTimeout: EXPECT_TIMEOUT_MS,
    navigationTimeout: 20_000,
    trace: { mode: "retain-on-failure", screenshots: false },
  },
});
