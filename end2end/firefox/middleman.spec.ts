// A middleman who names two certificates, and Firefox, which lets a connection open under either of them and shows the page both.

import { expect, hostileTest } from "../fixtures";
import { NAMINGS } from "../middleman";
import { LUNCH } from "../polls";
import { launchFirefox } from "./browsers.mjs";
import { Tab } from "./tab.mjs";

const test = hostileTest.extend<{ tab: Tab }, { firefox: Awaited<ReturnType<typeof launchFirefox>> }>({
  firefox: [
    async ({}, use) => {
      const firefox = await launchFirefox();
      await use(firefox);
      await firefox.close();
    },
    { scope: "worker" },
  ],
  tab: async ({ firefox }, use) => {
    const tab = await Tab.open(firefox);
    await use(tab);
    await tab.close();
  },
});

type Name = keyof typeof NAMINGS;

const FOUND_OUT = {
  question: "Joining the poll …",
  cause: "Whoever answered could not prove to be the owner, so nothing was sent to them.",
};
const OFFLINE = { question: "The owner is offline", connection: "Owner offline – no copy on this device yet" };

/** What is said for the whole session counts where the data channel has no fingerprint of its own. */
const OPENS_NOT: Name[] = ["its own certificate for the whole session alone", "its own certificate by SHA-1 for the whole session"];
/** What Chromium is told in these lets it open the channel and say hello: see the attacks on Chromium alone. */
const GREETED_BY_CHROMIUM: Name[] = ["the other's certificate before its own", "the other's certificate for the whole session"];

const ownerIdIn = (link: string): string => /#(.*)\//.exec(link)?.[1] ?? "";

for (const [what, naming] of Object.entries(NAMINGS) as [Name, (typeof NAMINGS)[Name]][]) {
  test(`a participant's Firefox says nothing to a middleman who names ${what}`, async ({ server, owner, stranger, tab }) => {
    const link = await owner.createPoll(LUNCH);
    const middleman = await stranger.comeBetween(ownerIdIn(link), "relay", naming);
    server.tamper(middleman.lure);
    await tab.visit(link);
    await tab.sees(OPENS_NOT.includes(what) ? OFFLINE : FOUND_OUT);
    expect(await middleman.heard()).toEqual([]);
    expect(await owner.wire.sent("auth:owner")).toEqual([]);

    server.obey();
    await tab.reload();
    await tab.sees({ connection: "Connected" });
    await tab.press("Soup");
    await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
  });

  test(`an owner's Firefox says nothing to a middleman who names ${what}`, async ({ server, site, voter, stranger, tab }) => {
    const link = await tab.createPoll(site.url(), LUNCH);
    const middleman = await stranger.comeBetween(ownerIdIn(link), "relay", naming);
    server.tamper(middleman.lure);
    await voter.visit(link);
    await expect(voter.poll.connection).toHaveText(/^(Owner offline|Reconnecting)/, { timeout: 20_000 });
    expect(new Set(await middleman.heard())).toEqual(new Set(GREETED_BY_CHROMIUM.includes(what) ? ["auth:hello"] : []));
    await tab.sees({ connection: "Connected", votes: { Pizza: "0", Soup: "0" } });

    server.obey();
    await voter.join(link);
    await voter.poll.vote("Soup");
    await tab.sees({ connection: "Connected", votes: { Pizza: "0", Soup: "1" } });
  });
}
