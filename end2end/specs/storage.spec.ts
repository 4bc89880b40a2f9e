// Nothing is sent that was not saved, nothing is acked that was not committed, and the page says so.

import { expect, test } from "../fixtures";
import { clearStorage, closeStorage, epoch, failing, filling, mendStorage, openBeside, stallStorage, takeAway } from "../faults";
import type { Person } from "../people";
import { LUNCH, TRIP } from "../polls";
import type { Site } from "../site";

const FULL =
  "This device has no room left, so nothing new is saved, sent or confirmed. Free some space: saving is tried again by itself.";
const FAILING =
  "Saving on this device fails at the moment, so nothing new is sent or confirmed. It is tried again by itself; reload the page if this stays.";
const KEEPS_NOTHING =
  "This browser keeps nothing for this site, as in some private windows. You can vote, but a vote not yet confirmed is gone once the tab is closed, and no poll can be made here. Use a normal window for both.";
const HOLDS_NO_POLL =
  "This browser keeps no storage for this page, so it can't hold a poll. Use a normal window, or allow storage, and create it there.";
const NO_ROOM = "This device has no room left to save it, so it was not sent. Free some space and try again.";
const NOT_SAVED = "This browser could not save it, so it was not sent. Reload the page and try again.";
const NEWER_TAB = "A newer version of Peerpoll is open in another tab. Reload to go on here.";
const OVERTAKEN =
  "Peerpoll can't go on here. Nothing that was confirmed is lost. What happened: A newer version of this page has been here. Reload it.";

const FAULTS = [
  ["full", filling, NO_ROOM, FULL],
  ["failing", failing, NOT_SAVED, FAILING],
] as const;

/** A page of a later version, in another tab, changes the database. */
async function openNewer(person: Person, site: Site): Promise<void> {
  const page = await openBeside(person, site);
  await page.evaluate(
    () =>
      new Promise<void>((resolve, reject) => {
        const request = indexedDB.open("peerpoll", 2);
        request.onsuccess = () => resolve();
        request.onerror = () => reject(request.error);
      }),
  );
}

for (const [what, faultOf, toParticipant, toOwner] of FAULTS) {
  test(`a participant's storage is ${what}: said so, nothing sent, and once mended one can vote`, async ({ site, owner, voter }) => {
    const fault = await faultOf(voter, site);
    await voter.join(await owner.createPoll(LUNCH));
    await fault.strike();
    await voter.poll.press("Soup");
    await expect(voter.poll.alerts).toHaveText(`Your vote for Soup did not go through. ${toParticipant}Dismiss`);
    await voter.poll.hasChosen("Soup", false);
    expect(await voter.wire.sent("poll:vote")).toEqual([]);
    await owner.poll.shows({ Pizza: 0, Soup: 0 }, { voters: 0 });

    await fault.mend();
    await voter.poll.dismiss.click();
    await expect(voter.poll.alerts).toHaveCount(0);
    await voter.poll.vote("Soup");
    await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
  });

  test(`the owner's storage is ${what}: said so, nothing acked; once mended the vote counts`, async ({ site, owner, voter }) => {
    const fault = await faultOf(owner, site);
    await voter.join(await owner.createPoll(LUNCH));
    await fault.strike();
    await voter.poll.press("Soup");
    await expect(owner.poll.notices).toHaveText([toOwner]);
    await voter.poll.isPending(1);
    expect(await owner.wire.sent("ack")).toEqual([]);
    await owner.poll.shows({ Pizza: 0, Soup: 0 }, { voters: 0 });

    await fault.mend();
    await voter.poll.isSynced(20_000);
    await expect(owner.poll.notices).toHaveCount(0);
    await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
    await expect(voter.poll.receipt(2)).toBeVisible();
  });
}

test("a disk without room for a new poll: said so, and once there is room the poll is there for others", async ({ site, owner, voter }) => {
  const fault = await filling(owner, site);
  await owner.createPoll(TRIP);
  await owner.poll.backHome.click();
  await fault.strike();
  await owner.home.create(LUNCH);
  await expect(owner.home.notices).toHaveText([FULL]);
  await fault.mend();
  await owner.poll.isConnected(20_000);
  await owner.poll.shown(LUNCH.question);
  await voter.join(await owner.poll.link());
  await voter.poll.vote("Soup");
});

for (const missing of ["IndexedDB", "permission to store", "a database that opens"] as const) {
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

test("what is being saved is not sent before the disk has it", async ({ owner, voter, another }) => {
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);
  await another.join(link);
  await stallStorage(voter.page);
  await voter.poll.press("Soup");
  await expect(voter.poll.words("Your vote for Soup: being saved on this device")).toBeVisible();
  await another.poll.vote("Pizza");
  await voter.poll.shows({ Pizza: 1, Soup: 1 }, { voters: 2 });
  expect(await voter.wire.sent("poll:vote")).toEqual([]);

  await mendStorage(voter.page);
  await voter.poll.isSynced();
  await owner.poll.shows({ Pizza: 1, Soup: 1 }, { voters: 2 });
});

test("what is being written to the log is neither acked nor shown before the disk has it", async ({ owner, voter, another }) => {
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);
  await stallStorage(owner.page);
  await voter.poll.press("Soup");
  await expect(voter.poll.words("Your vote for Soup: sent; waiting for the owner's confirmation")).toBeVisible();
  await another.join(link);
  await another.poll.shows({ Pizza: 0, Soup: 0 }, { voters: 0 });
  await owner.poll.shows({ Pizza: 0, Soup: 0 }, { voters: 0 });
  expect(await owner.wire.sent("ack")).toEqual([]);
  expect(await owner.wire.sent("poll:vote")).toEqual([]);

  await mendStorage(owner.page);
  await voter.poll.isSynced();
  await another.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
});

for (const who of ["voter", "owner"] as const) {
  test(`the ${who}'s database is closed under the page: it is opened again and nobody notices`, async ({ owner, voter }) => {
    await voter.join(await owner.createPoll(LUNCH));
    const person = who === "owner" ? owner : voter;
    await closeStorage(person.page);
    await voter.poll.vote("Soup");
    await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
    await expect(person.poll.notices).toHaveCount(0);
    await person.page.reload();
    await person.poll.isConnected();
    await person.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
  });
}

test("a newer version opens a participant's database: said so, nothing is sent, and a reload says what has happened", async ({
  site,
  owner,
  voter,
}) => {
  await voter.join(await owner.createPoll(LUNCH));
  await openNewer(voter, site);
  await expect(voter.poll.notices).toHaveText([NEWER_TAB]);
  await voter.poll.press("Soup");
  await expect(voter.poll.alerts).toHaveText(`Your vote for Soup did not go through. ${NOT_SAVED}Dismiss`);
  expect(await voter.wire.sent("poll:vote")).toEqual([]);
  await owner.poll.shows({ Pizza: 0, Soup: 0 }, { voters: 0 });

  await voter.poll.reload.click();
  await expect(voter.poll.notices).toHaveText([OVERTAKEN]);
  await expect(voter.poll.reload).toBeVisible();
});

test("a newer version opens the owner's database: said so, nothing is acked, and a reload says what has happened", async ({
  site,
  owner,
  voter,
}) => {
  await voter.join(await owner.createPoll(LUNCH));
  await openNewer(owner, site);
  await expect(owner.poll.notices).toHaveText([NEWER_TAB]);
  await voter.poll.press("Soup");
  await expect(owner.poll.notices).toHaveText([NEWER_TAB, FAILING]);
  expect(await owner.wire.sent("ack")).toEqual([]);
  await owner.poll.shows({ Pizza: 0, Soup: 0 }, { voters: 0 });
  await voter.poll.isPending(1);

  await owner.poll.reload.click();
  await expect(owner.poll.notices).toHaveText([OVERTAKEN]);
  await expect(owner.poll.reload).toBeVisible();
});

test("an owner's tab that does not know that it leads no longer writes nothing, and leads anew before it takes the vote", async ({
  owner,
  voter,
}) => {
  await voter.join(await owner.createPoll(LUNCH));
  const raised = await epoch(owner.page, "raise");
  await voter.poll.press("Soup");
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
  await expect(voter.poll.receipt(2)).toBeVisible();
  expect(await epoch(owner.page, "read")).toBe(raised + 1);
});

test("all that an owner has stored is cleared under the page: nothing is acked, and it says what has become of the poll", async ({
  owner,
  voter,
}) => {
  await voter.join(await owner.createPoll(LUNCH));
  // Given before, and sent again after: the owner's page may notice at any moment, and then no vote can be given.
  await voter.wire.lose("poll:vote");
  await voter.poll.press("Soup");
  await voter.poll.isPending(1);
  await clearStorage(owner.page);
  await voter.wire.mend();
  await voter.wire.cut();
  await owner.poll.shown("This device owns no such poll. It may have been made in another browser, or its data was erased.");
  await voter.poll.isPending(1);
  expect(await owner.wire.sent("ack")).toEqual([]);
});

test("all that a participant has stored is cleared under the page: the vote given then is saved anew, and counts", async ({
  owner,
  voter,
}) => {
  await voter.join(await owner.createPoll(LUNCH));
  await clearStorage(voter.page);
  await voter.poll.press("Soup");
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
  await expect(voter.poll.receipt(2)).toBeVisible();
  await voter.poll.isConnected();
  expect(await voter.wire.sent("poll:vote")).toHaveLength(1);
});
