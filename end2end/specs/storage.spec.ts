// Nothing is sent that was not saved, nothing is acked that was not committed, and the page says so.

import { expect, test } from "../fixtures";
import { breakStorage, mendStorage, takeAway } from "../faults";
import { LUNCH, TRIP } from "../polls";

const FULL =
  "This device has no room left, so nothing new is saved, sent or confirmed. Free some space: saving is tried again by itself.";
const FAILING =
  "Saving on this device fails at the moment, so nothing new is sent or confirmed. It is tried again by itself; reload the page if this stays.";
const KEEPS_NOTHING =
  "This browser keeps nothing for this site, as in some private windows. You can vote, but a vote not yet confirmed is gone once the tab is closed, and no poll can be made here. Use a normal window for both.";
const HOLDS_NO_POLL =
  "This browser keeps no storage for this page, so it can't hold a poll. Use a normal window, or allow storage, and create it there.";

const FAULTS = [
  ["full", "This device has no room left to save it, so it was not sent. Free some space and try again.", FULL],
  ["failing", "This browser could not save it, so it was not sent. Reload the page and try again.", FAILING],
] as const;

for (const [fault, toParticipant, toOwner] of FAULTS) {
  test(`a participant's storage is ${fault}: said so, nothing sent, and once mended one can vote`, async ({ owner, voter }) => {
    await voter.join(await owner.createPoll(LUNCH));
    await breakStorage(voter.page, fault);
    await voter.poll.press("Soup");
    await expect(voter.poll.alerts).toHaveText(`Your vote for Soup did not go through. ${toParticipant}Dismiss`);
    await voter.poll.hasChosen("Soup", false);
    expect(await voter.wire.sent("poll:vote")).toEqual([]);
    await owner.poll.shows({ Pizza: 0, Soup: 0 }, { voters: 0 });

    await mendStorage(voter.page);
    await voter.poll.dismiss.click();
    await expect(voter.poll.alerts).toHaveCount(0);
    await voter.poll.vote("Soup");
    await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
  });

  test(`the owner's storage is ${fault}: said so, nothing acked; once mended the vote counts`, async ({ owner, voter }) => {
    await voter.join(await owner.createPoll(LUNCH));
    await breakStorage(owner.page, fault);
    await voter.poll.press("Soup");
    await expect(owner.poll.notices).toHaveText([toOwner]);
    await voter.poll.isPending(1);
    expect(await owner.wire.sent("ack")).toEqual([]);
    await owner.poll.shows({ Pizza: 0, Soup: 0 }, { voters: 0 });

    await mendStorage(owner.page);
    await voter.poll.isSynced(20_000);
    await expect(owner.poll.notices).toHaveCount(0);
    await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
    await expect(voter.poll.receipt(2)).toBeVisible();
  });
}

test("a disk without room for a new poll: said so, and the poll is not reachable before it is saved", async ({ owner, voter }) => {
  await owner.createPoll(TRIP);
  await owner.poll.backHome.click();
  await breakStorage(owner.page, "full");
  await owner.home.create(LUNCH);
  await expect(owner.home.notices).toHaveText([FULL]);
  await mendStorage(owner.page);
  await owner.poll.isConnected(20_000);
  await owner.poll.shown(LUNCH.question);
  await voter.join(await owner.poll.link());
  await voter.poll.vote("Soup");
});

for (const missing of ["IndexedDB", "permission to store"] as const) {
  test(`without ${missing}: said so, and one can join and vote as long as the tab is open`, async ({ owner, voter }) => {
    await takeAway(voter.context, missing);
    await voter.join(await owner.createPoll(LUNCH));
    await expect(voter.poll.notices).toHaveText([KEEPS_NOTHING]);
    await voter.poll.vote("Soup");
    await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
    await owner.poll.vote("Pizza");
    await voter.poll.shows({ Pizza: 1, Soup: 1 }, { voters: 2 });
  });

  test(`without ${missing}: a poll is refused where it is made, and nothing typed is lost`, async ({ owner }) => {
    await takeAway(owner.context, missing);
    await owner.goHome();
    await owner.home.create(LUNCH);
    await expect(owner.home.summary).toHaveText(HOLDS_NO_POLL);
    await expect(owner.home.notices).toHaveText([KEEPS_NOTHING]);
    await expect(owner.home.question).toHaveValue(LUNCH.question);
    await expect(owner.home.option(2)).toHaveValue("Soup");
  });
}
