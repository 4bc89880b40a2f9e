// What needs a signalling server in the test's hands besides Firefox; the rest is in `firefox.test.mjs`.

import { defineConfig } from "@playwright/test";

import base from "../playwright.config";

export default defineConfig({ ...base, testDir: ".", testMatch: "*.spec.ts", outputDir: "../test-results", workers: 1 });
