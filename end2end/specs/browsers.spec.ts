// Browsers that lack something: what will not work is said, and the rest works. Storage has its own file.

import { expect, test } from "../fixtures";
import { takeAway } from "../faults";
import { LUNCH } from "../polls";

const NO_LOCKS =
  "This browser can't coordinate several tabs (Web Locks are missing, or the address is not https). Use Peerpoll in one tab only.";
const NO_WEBRTC =
  "This browser has no WebRTC, or it is switched off: you can read what is saved here, but connect to nobody. Allow it, or use another browser.";

test("without Web Locks: said so, and a poll works in one tab", async ({ owner, voter }) => {
  await takeAway(owner.context, "Web Locks");
  await takeAway(voter.context, "Web Locks");
  const link = await owner.createPoll(LUNCH);
  await expect(owner.poll.notices).toHaveText([NO_LOCKS]);
  await voter.join(link);
  await expect(voter.poll.notices).toHaveText([NO_LOCKS]);
  await voter.poll.vote("Soup");
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });

  await owner.page.reload();
  await owner.poll.isConnected();
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
});

test("without WebRTC: said so, and what is saved here can be read", async ({ owner, voter }) => {
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);
  await voter.poll.vote("Soup");

  await takeAway(voter.context, "WebRTC");
  await voter.visit(link);
  await expect(voter.poll.notices).toHaveText([NO_WEBRTC]);
  await voter.poll.shown(LUNCH.question);
  await voter.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
  await expect(voter.poll.voteButton("Pizza")).toHaveAttribute("aria-disabled", "true");
});

test("an owner without WebRTC can make a poll and vote in it, and is told that nobody can join", async ({ owner }) => {
  await takeAway(owner.context, "WebRTC");
  await owner.goHome();
  await expect(owner.home.notices).toHaveText([NO_WEBRTC]);
  await owner.home.create(LUNCH);
  await owner.poll.shown(LUNCH.question);
  await expect(owner.poll.connection).not.toHaveText("Connected");
  await owner.poll.vote("Soup");
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
});
