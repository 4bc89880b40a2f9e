// Many connections to one owner. A browser allows a page some five hundred, and counts closed ones until it has collected them.

import { expect, test } from "../fixtures";
import { LUNCH } from "../polls";
import { Stranger } from "../stranger";

const AT_ONCE_MAX = 500;
const PER_STRANGER = 200;
const NEARLY_FULL = 450;

declare global {
  interface Window {
    /** How often the channel of each connection that this page accepted has opened. */
    openings: number[];
  }
}

/** Runs in an owner's page, before its own scripts. */
function countOpenings(): void {
  window.openings = [];
  const meet = ({ channel }: RTCDataChannelEvent) => {
    const at = window.openings.push(0) - 1;
    channel.addEventListener("open", () => (window.openings[at] += 1));
  };
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      this.addEventListener("datachannel", meet);
    }
  };
}

// Half a thousand handshakes take their time.
test.slow();

test("more connections than a page may have, one after the other, leave room for the next", async ({ browser, owner, site, voter }) => {
  await owner.page.addInitScript(countOpenings);
  const link = await owner.createPoll(LUNCH);
  for (let done = 0; done <= AT_ONCE_MAX; done += PER_STRANGER) {
    const stranger = await Stranger.come(browser, site);
    await stranger.enterOften(link, PER_STRANGER, { staying: false });
    await stranger.leave();
  }
  await voter.join(link);
  await voter.poll.vote("Pizza");
  await owner.poll.shows({ Pizza: 1, Soup: 0 }, { voters: 1 });
  // A channel that opens again was not open for a moment, and one that does not is never: nothing can be sent over it.
  const openings = await owner.page.evaluate(() => window.openings);
  expect(openings.length).toBeGreaterThan(AT_ONCE_MAX);
  expect(openings.filter((times) => times !== 1)).toEqual([]);
});

test("an owner is told before the page can hold nobody more", async ({ browser, owner, site, voter }) => {
  const link = await owner.createPoll(LUNCH);
  const warning = owner.page.getByText("Your room is almost full.");
  const strangers = [await Stranger.come(browser, site), await Stranger.come(browser, site)];
  const half = NEARLY_FULL / 2;
  const [some, others] = [
    await strangers[0].enterOften(link, half, { staying: true }),
    await strangers[1].enterOften(link, half - 1, { staying: true }),
  ];
  // With the owner.
  await expect(owner.poll.people).toContainText(`${NEARLY_FULL} here now`);
  await expect(warning).toBeHidden();
  await voter.join(link);
  await expect(warning).toBeVisible();
  await voter.poll.vote("Pizza");
  await owner.poll.shows({ Pizza: 1, Soup: 0 }, { voters: 1 });

  for (const crowd of [some, others]) await crowd.evaluate((lines) => lines.forEach((line) => line.close()));
  await expect(warning).toBeHidden();
  for (const stranger of strangers) await stranger.leave();
});
