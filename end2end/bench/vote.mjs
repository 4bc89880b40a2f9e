// A vote from click to confirmed, in browsers with profiles on disk.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { chromium } from "@playwright/test";

const CHROMIUM = process.env.PEERPOLL_CHROMIUM ?? "/usr/bin/chromium";

export const quantile = (values, q) => values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * q)];
export const ms = (value) => `${value.toFixed(1)} ms`;

export async function withProfile(use) {
  const folder = await mkdtemp(join(tmpdir(), "peerpoll-bench-"));
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-background-networking", "--disable-component-update"],
  });
  try {
    return await use(context);
  } finally {
    await context.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** From the click until the page says that the vote is confirmed at a later revision. */
export const voteSample = (page, n) =>
  page.evaluate(async (n) => {
    // Text alone: asking for what is rendered would lay the page out each time, and be measured with it.
    const confirmed = () =>
      [...document.querySelectorAll("summary")].map((summary) => summary.textContent).find((text) => text.startsWith("Confirmed"));
    const labels = ["Vote for Pizza", "Vote for Soup"];
    const button = [...document.querySelectorAll("button[aria-pressed]")].find(
      (button) => button.getAttribute("aria-label") === labels[n % 2] || button.textContent.includes(labels[n % 2].slice(9)),
    );
    const before = confirmed();
    const done = new Promise((resolve) => {
      const observer = new MutationObserver(() => {
        const now = confirmed();
        if (now !== undefined && now !== before) {
          observer.disconnect();
          resolve(performance.now());
        }
      });
      observer.observe(document.body, { subtree: true, childList: true, characterData: true });
    });
    const from = performance.now();
    button.click();
    return (await done) - from;
  }, n);

/** A new poll's link, and its owner's page, which stays open. */
export async function createPoll(context, server) {
  const owner = await context.newPage();
  await owner.goto(server.url);
  await owner.getByRole("textbox", { name: "Question" }).fill("What do we eat?");
  await owner.getByRole("textbox", { name: "Option 1" }).fill("Pizza");
  await owner.getByRole("textbox", { name: "Option 2" }).fill("Soup");
  await owner.getByRole("button", { name: "Create poll" }).click();
  return { owner, link: await owner.getByRole("textbox", { name: "Poll link" }).inputValue() };
}

export async function room(ownerContext, voterContext, server) {
  const { owner, link } = await createPoll(ownerContext, server);
  const voter = await voterContext.newPage();
  await voter.goto(link);
  await voter.getByRole("status", { name: "Connection" }).getByText("Connected").waitFor();
  return { owner, link, voter };
}

/** The hub takes 5 commands a second in the long run: waits as a person would between two votes. */
export const pause = (page) => page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));
