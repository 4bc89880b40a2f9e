// A room between Firefox and Chromium, with either as the owner: the same page, over the same wire, in two engines.

import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { startPage } from "../../signalling/serve.mjs";
import { startSignalling } from "../../signalling/server.mjs";
import { launchChromium, launchFirefox, launchPrivateFirefox } from "./browsers.mjs";
import { Tab } from "./tab.mjs";

const HOST = "127.0.0.1";
const DIST = process.env.PEERPOLL_DIST ?? fileURLToPath(new URL("../../dist", import.meta.url));
const LUNCH = { question: "Where do we have lunch?", options: ["Pizza", "Soup"] };
const CONNECTED = "Connected";

const ROOMS = {
  "Firefox is the owner": { owns: launchFirefox, joins: launchChromium },
  "Chromium is the owner": { owns: launchChromium, joins: launchFirefox },
  "a private window of Firefox is the owner's": { owns: launchPrivateFirefox, joins: launchChromium },
  "a private window of Firefox is the participant's": { owns: launchChromium, joins: launchPrivateFirefox },
};

async function startSite() {
  const signalling = await startSignalling({ host: HOST, port: 0 });
  const config = { signalling: { host: HOST, port: signalling.port, path: "/signal", secure: false }, iceServers: [] };
  return { signalling, page: await startPage({ dist: DIST, host: HOST, port: 0, signallingPath: null, config }) };
}

for (const [name, { owns, joins }] of Object.entries(ROOMS)) {
  describe(name, () => {
    let signalling;
    let page;
    let browsers;
    before(async () => {
      ({ signalling, page } = await startSite());
      browsers = { owner: await owns(), voter: await joins() };
    });
    after(async () => {
      await Promise.all(Object.values(browsers).map((browser) => browser.close()));
      await page.close();
      await signalling.close();
    });

    /** A room of two in which both have voted. */
    async function room(use) {
      const [owner, voter] = [await Tab.open(browsers.owner), await Tab.open(browsers.voter)];
      await voter.visit(await owner.createPoll(page.url, LUNCH));
      await voter.sees({ question: LUNCH.question, connection: CONNECTED });
      await owner.press("Pizza");
      await voter.press("Soup");
      await bothSee(owner, voter, { Pizza: "1", Soup: "1" });
      await use(owner, voter);
      await owner.close();
      await voter.close();
    }

    /** Both are connected, nothing waits, and this is the count. */
    async function bothSee(owner, voter, votes) {
      for (const tab of [owner, voter]) await tab.sees({ connection: CONNECTED, pending: undefined, votes });
    }

    test("create, join and vote: both see the count", () => room(async () => {}));

    test("a vote is changed", () =>
      room(async (owner, voter) => {
        await voter.press("Pizza");
        await bothSee(owner, voter, { Pizza: "2", Soup: "0" });
      }));

    test("the owner's page is reloaded", () =>
      room(async (owner, voter) => {
        await owner.reload();
        await bothSee(owner, voter, { Pizza: "1", Soup: "1" });
        await voter.press("Pizza");
        await bothSee(owner, voter, { Pizza: "2", Soup: "0" });
      }));

    test("the participant's page is reloaded", () =>
      room(async (owner, voter) => {
        await voter.reload();
        await bothSee(owner, voter, { Pizza: "1", Soup: "1" });
        await voter.press("Pizza");
        await bothSee(owner, voter, { Pizza: "2", Soup: "0" });
      }));

    test("signalling stops and starts again: votes go on, and so does whoever comes later", () =>
      room(async (owner, voter) => {
        const { port } = signalling;
        await signalling.close();
        await voter.press("Pizza");
        await owner.sees({ pending: undefined, votes: { Pizza: "2", Soup: "0" } });
        signalling = await startSignalling({ host: HOST, port });
        await bothSee(owner, voter, { Pizza: "2", Soup: "0" });
        await voter.reload();
        // Before that it shows its copy, in which nothing can be pressed.
        await voter.sees({ connection: CONNECTED });
        await voter.press("Soup");
        await bothSee(owner, voter, { Pizza: "1", Soup: "1" });
      }));
  });
}

/** Where Firefox keeps what lasts, and what goes with the last private window. */
const LASTING = "default";
const PASSING = "private";

/** How many databases a profile holds: for lasting those of our page, for passing of whichever, since it gives them other names. */
async function databases(profile) {
  const inFolder = async (folder, isMeant) => {
    const names = await readdir(join(profile, "storage", folder), { recursive: true }).catch((error) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
    return names.filter((name) => name.endsWith(".sqlite") && isMeant(name)).length;
  };
  return {
    lasting: await inFolder(LASTING, (name) => name.startsWith(`http+++${HOST}`)),
    passing: await inFolder(PASSING, () => true),
  };
}

const KEPT = {
  "a window of Firefox keeps a poll": {
    launch: launchFirefox,
    open: { lasting: 1, passing: 0 },
    closed: { lasting: 1, passing: 0 },
  },
  "a private window of Firefox keeps a poll apart, and none of it once it is closed": {
    launch: launchPrivateFirefox,
    open: { lasting: 0, passing: 1 },
    closed: { lasting: 0, passing: 0 },
  },
};

for (const [name, { launch, ...kept }] of Object.entries(KEPT)) {
  test(name, async (context) => {
    const { signalling, page } = await startSite();
    const profile = await mkdtemp(join(tmpdir(), "peerpoll-firefox-"));
    context.after(async () => {
      await page.close();
      await signalling.close();
      await rm(profile, { recursive: true });
    });
    const browser = await launch(profile);
    let open;
    try {
      const tab = await Tab.open(browser);
      await tab.createPoll(page.url, LUNCH);
      open = await databases(profile);
    } finally {
      await browser.close();
    }
    assert.deepEqual({ open, closed: await databases(profile) }, kept);
  });
}
