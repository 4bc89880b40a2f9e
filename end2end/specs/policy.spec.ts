// The page's Content-Security-Policy: what it says, what it stops, and that the app itself never meets it.

import type { Frame } from "@playwright/test";

import { expect, test as base } from "../fixtures";
import { ForeignSite } from "../foreign";
import type { Person } from "../people";
import { LUNCH } from "../polls";
import { Site } from "../site";
import { type Violation, Violations } from "../violations";

const PAGE_POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; connect-src 'self' ws: wss:; " +
  "base-uri 'self'; form-action 'none'";

const test = base.extend<{ foreign: ForeignSite }>({
  foreign: async ({}, use) => {
    const foreign = await ForeignSite.start();
    await use(foreign);
    await foreign.stop();
  },
});

test("the page's policy is exactly this, and its server narrows it down to the signalling server", async ({ site, owner }) => {
  const { host, port } = site.peerServer;
  for (const path of ["", "poll", "poll/", "some/where/else"]) {
    const response = await owner.page.goto(site.url(path));
    expect(response?.headers()["content-security-policy"]).toBe(`connect-src 'self' ws://${host}:${port}; frame-ancestors 'none'`);
    expect(response?.headers()["referrer-policy"]).toBe("no-referrer");
    expect(response?.headers()["x-content-type-options"]).toBe("nosniff");
    const policies = owner.page.locator("meta[http-equiv='Content-Security-Policy']");
    await expect(policies).toHaveCount(1);
    await expect(policies).toHaveAttribute("content", PAGE_POLICY);
  }
});

/** Runs in the page, as an injected script would; `window.ranForeignCode` tells that it got somewhere. */
type Injection = (foreign: string) => unknown;

/** What is injected, and what is noticed. */
type Case = [Injection, (foreign: string) => Violation];

/** The page's own policy lets it through: `config.json` may name any server. */
const SOCKET = "a socket to a foreign server";

const INJECTIONS: Record<string, Case> = {
  "an inline script": [
    () => {
      const script = document.createElement("script");
      script.textContent = "window.ranForeignCode = true";
      document.body.append(script);
    },
    () => ({ directive: "script-src-elem", blocked: "inline" }),
  ],
  "an inline event handler": [
    () => {
      const button = document.createElement("button");
      button.setAttribute("onclick", "window.ranForeignCode = true");
      document.body.append(button);
      button.click();
    },
    () => ({ directive: "script-src-attr", blocked: "inline" }),
  ],
  "a javascript: link": [
    () => {
      const link = document.createElement("a");
      link.href = "javascript:void(window.ranForeignCode = true)";
      document.body.append(link);
      link.click();
    },
    () => ({ directive: "script-src-elem", blocked: "inline" }),
  ],
  "eval": [
    // In a task of its own: what a test evaluates itself is exempt from the policy.
    () => setTimeout(() => window.eval("window.ranForeignCode = true")),
    () => ({ directive: "script-src", blocked: "eval" }),
  ],
  "a foreign script": [
    (foreign) => {
      const script = document.createElement("script");
      script.src = foreign;
      document.body.append(script);
    },
    (foreign) => ({ directive: "script-src-elem", blocked: foreign }),
  ],
  "a script made of data": [
    () => {
      const script = document.createElement("script");
      script.src = "data:text/javascript,window.ranForeignCode=true";
      document.body.append(script);
    },
    () => ({ directive: "script-src-elem", blocked: "data" }),
  ],
  "a foreign image": [
    (foreign) => {
      new Image().src = foreign;
    },
    (foreign) => ({ directive: "img-src", blocked: foreign }),
  ],
  "a foreign style sheet": [
    (foreign) => {
      const link = document.createElement("link");
      link.rel = "stylesheet";
      link.href = foreign;
      document.head.append(link);
    },
    (foreign) => ({ directive: "style-src-elem", blocked: foreign }),
  ],
  "an inline style": [
    () => document.body.setAttribute("style", "display: none"),
    () => ({ directive: "style-src-attr", blocked: "inline" }),
  ],
  "a foreign frame": [
    (foreign) => {
      const frame = document.createElement("iframe");
      frame.src = foreign;
      document.body.append(frame);
    },
    (foreign) => ({ directive: "frame-src", blocked: new URL(foreign).origin }),
  ],
  "a request to a foreign server": [
    (foreign) => void fetch(foreign).catch(() => {}),
    (foreign) => ({ directive: "connect-src", blocked: foreign }),
  ],
  [SOCKET]: [
    (foreign) => {
      try {
        new WebSocket(foreign.replace("http:", "ws:"));
      } catch {
        // Chromium fires an event instead.
      }
    },
    (foreign) => ({ directive: "connect-src", blocked: foreign.replace("http:", "ws:") }),
  ],
  "a form sent to a foreign server": [
    (foreign) => {
      const form = document.createElement("form");
      form.action = foreign;
      document.body.append(form);
      form.submit();
    },
    (foreign) => ({ directive: "form-action", blocked: `${foreign}?` }),
  ],
  "another base for the page's links": [
    (foreign) => {
      const base = document.createElement("base");
      base.href = foreign;
      document.head.prepend(base);
    },
    (foreign) => ({ directive: "base-uri", blocked: foreign }),
  ],
};

/** Injects it into the home page, where it must do nothing, and be noticed. */
async function isStopped({ page }: Person, [inject, violation]: Case, foreign: ForeignSite): Promise<void> {
  const address = foreign.url("/evil.js");
  await page.evaluate(inject, address);
  await expect.poll(() => Violations.in(page)).toEqual([violation(address)]);
  expect(await page.evaluate(() => "ranForeignCode" in window)).toBe(false);
  expect(foreign.asked).toEqual([]);
}

for (const [what, injection] of Object.entries(INJECTIONS)) {
  test(`${what}, once it is in the page, does nothing and is noticed`, async ({ owner, foreign, problems }) => {
    problems.expect(/Content Security Policy|^owner asked /);
    await Violations.watch(owner.context);
    await owner.goHome();
    await isStopped(owner, injection, foreign);
  });
}

/** What comes of showing the page in somebody else's. */
async function frameIn({ page }: Person, site: Site): Promise<Frame> {
  const framed = page.waitForEvent("framenavigated", (frame) => frame !== page.mainFrame());
  await page.setContent(`<iframe src="${site.url()}"></iframe>`);
  return framed;
}

test("nobody else's page shows it in a frame", async ({ site, owner, problems }) => {
  problems.expect(/^owner's console: .*frame-ancestors 'none'/);
  expect((await frameIn(owner, site)).url()).toBe("chrome-error://chromewebdata/");
});

test("making a poll, joining, voting and managing it meet no policy", async ({ owner, voter }) => {
  await Violations.watch(owner.context);
  await Violations.watch(voter.context);
  const link = await owner.createPoll({ ...LUNCH, description: "Today.", participantsAddOptions: true, listed: true });
  await voter.join(link);
  await voter.poll.vote("Soup");
  await voter.poll.callMyself("Ann");
  await voter.poll.suggest("Salad");
  await owner.poll.shows({ Pizza: 0, Soup: 1, Salad: 0 }, { voters: 1 });
  await owner.poll.give("Ann", "Moderator");
  await owner.poll.edit.click();
  await owner.poll.editQuestion.fill("Where to?");
  await owner.poll.saveChanges.click();
  await voter.poll.shown("Where to?");
  await owner.poll.present.click();
  await owner.poll.leavePresentation.click();
  await owner.poll.closePoll.click();
  await expect(voter.poll.receipt(2)).toBeVisible();
  await voter.poll.cannotVote("Soup", /./);
  await voter.page.reload();
  await voter.poll.isConnected();
  for (const { page } of [owner, voter]) expect(await Violations.in(page)).toEqual([]);
});

const onStaticHost = test.extend({
  site: async ({}, use) => {
    const site = await Site.onStaticHost();
    await use(site);
    await site.stop();
  },
});

test.describe("on a static host, by the page's own policy alone", () => {
  onStaticHost("all of that is stopped but the socket", async ({ site, owner, foreign, problems }) => {
    problems.expect(/Content Security Policy|^owner (asked|opened) |WebSocket connection to/);
    await Violations.watch(owner.context);
    const response = await owner.page.goto(site.url());
    expect(response?.headers()).not.toHaveProperty("content-security-policy");
    const { [SOCKET]: [openSocket], ...stopped } = INJECTIONS;
    for (const [what, injection] of Object.entries(stopped)) {
      await test.step(what, async () => {
        await owner.goHome();
        await isStopped(owner, injection, foreign);
      });
    }

    await owner.goHome();
    await owner.page.evaluate(openSocket, foreign.url("/evil.js"));
    await expect.poll(() => foreign.asked).toEqual(["/evil.js"]);
    expect(await Violations.in(owner.page)).toEqual([]);
  });

  onStaticHost("somebody else's page can show it in a frame: only a header forbids that", async ({ site, owner }) => {
    await expect((await frameIn(owner, site)).getByRole("heading", { level: 1 })).toBeVisible();
  });

  onStaticHost("making a poll, joining and voting meet no policy", async ({ owner, voter }) => {
    for (const { context } of [owner, voter]) await Violations.watch(context);
    await voter.join(await owner.createPoll(LUNCH));
    await voter.poll.vote("Soup");
    await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
    for (const { page } of [owner, voter]) expect(await Violations.in(page)).toEqual([]);
  });
});
