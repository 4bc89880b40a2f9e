// A room between Firefox and Chromium, with either as the owner: the same page, over the same wire, in two engines.

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

for (const [name, { owns, joins }] of Object.entries(ROOMS)) {
  describe(name, () => {
    let signalling;
    let page;
    let browsers;
    before(async () => {
      signalling = await startSignalling({ host: HOST, port: 0 });
      const config = { signalling: { host: HOST, port: signalling.port, path: "/signal", secure: false }, iceServers: [] };
      page = await startPage({ dist: DIST, host: HOST, port: 0, signallingPath: null, config });
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
