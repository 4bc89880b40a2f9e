import { expect, test } from "../fixtures";
import { LUNCH } from "../polls";

/** The specification's bound for handing over between two tabs of one browser. */
const HAND_OVER_MS = 2_000;
const BACK_IN_STEP_MS = 5_000;

test("the owner's second tab shows the same live view and can act", async ({ owner, voter }) => {
  const link = await owner.createPoll(LUNCH);
  const second = await owner.newTab();
  await second.join(link);
  await voter.join(link);

  await voter.poll.vote("Soup");
  await second.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
  await second.poll.vote("Pizza");
  await owner.poll.hasChosen("Pizza");
  await owner.poll.shows({ Pizza: 1, Soup: 1 }, { voters: 2 });
  await voter.poll.shows({ Pizza: 1, Soup: 1 }, { voters: 2 });
  await second.poll.closePoll.click();
  await expect(owner.poll.reopenPoll).toBeVisible();
});

test("closing the owner's first tab hands the room over to the second", async ({ owner, voter }) => {
  const link = await owner.createPoll(LUNCH);
  const second = await owner.newTab();
  await second.join(link);
  await voter.join(link);
  await voter.poll.vote("Soup");

  // Whoever leads is at PeerServer, and nobody else.
  const takesOver = second.nextSocket(HAND_OVER_MS);
  await owner.page.close();
  await takesOver;
  await voter.poll.isConnected(BACK_IN_STEP_MS);
  await expect.poll(() => voter.wire.received("auth:welcome")).toHaveLength(2);
  await second.poll.isConnected();
  await second.poll.vote("Pizza");
  await voter.poll.shows({ Pizza: 1, Soup: 1 }, { voters: 2 });
  await voter.poll.vote("Pizza");
  await second.poll.shows({ Pizza: 2, Soup: 0 }, { voters: 2 });
});

test("a participant's second tab can act, and takes over when the first closes", async ({ owner, voter }) => {
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);
  const second = await voter.newTab();
  await second.join(link);
  await expect(owner.poll.people).toContainText("2 in this poll, 2 here now");

  await second.poll.vote("Soup");
  await voter.poll.hasChosen("Soup");
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });

  const takesOver = second.nextSocket(HAND_OVER_MS);
  await voter.page.close();
  await takesOver;
  await expect.poll(() => second.wire.received("auth:welcome")).toHaveLength(1);
  await second.poll.isConnected(BACK_IN_STEP_MS);
  await second.poll.hasChosen("Soup");
  await second.poll.vote("Pizza");
  await owner.poll.shows({ Pizza: 1, Soup: 0 }, { voters: 1 });
});

test("a vote in a second tab just as the first one closes is not lost", async ({ owner, voter }) => {
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);
  const second = await voter.newTab();
  await second.join(link);

  await voter.page.close();
  await second.poll.press("Soup");
  await second.poll.hasChosen("Soup");
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
  await second.poll.isSynced();
});

test("a guest's tab keeps its identity over a reload, and no other tab has it", async ({ owner }) => {
  const link = await owner.createPoll(LUNCH);
  const guest = await owner.newTabBy(() => owner.poll.openAsGuest.click());
  await guest.poll.isConnected();
  await guest.poll.vote("Soup");
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });

  await guest.page.reload();
  await guest.poll.isConnected();
  await guest.poll.hasChosen("Soup");
  await expect(owner.poll.people).toContainText("2 in this poll, 2 here now");

  const other = await owner.newTabBy(() => owner.poll.openAsGuest.click());
  await other.poll.isConnected();
  await other.poll.hasChosen("Soup", false);
  await other.poll.vote("Soup");
  await owner.poll.shows({ Pizza: 0, Soup: 2 }, { voters: 2 });
  expect(await owner.poll.link()).toBe(link);
});
