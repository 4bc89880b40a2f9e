// No axe violations on any page and in any of its states, light and dark; and everything works without a mouse.

import AxeBuilder from "@axe-core/playwright";
import type { Locator, Page } from "@playwright/test";

import { takeAway } from "../faults";
import { expect, test } from "../fixtures";
import { LUNCH, TRIP } from "../polls";

test.use({ contextOptions: { reducedMotion: "reduce" } });

async function isAccessible(page: Page, state: string): Promise<void> {
  await test.step(`${state}: no violations`, async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      const { violations } = await new AxeBuilder({ page }).analyze();
      const found = violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
      expect.soft(found, `${state}, ${colorScheme}`).toEqual([]);
    }
  });
}

test("axe: the home page, empty, with errors, with settings, and with polls", async ({ owner, voter }) => {
  await owner.goHome();
  await isAccessible(owner.page, "empty");
  await owner.home.settings.click();
  await owner.home.createPoll.click();
  await expect(owner.home.summary).toHaveText("3 things above need your attention.");
  await owner.home.paste("lunch");
  await isAccessible(owner.page, "with errors");
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);
  await voter.poll.vote("Soup");
  await owner.goHome();
  await expect(owner.home.myPoll(LUNCH.question)).toBeVisible();
  await isAccessible(owner.page, "with a poll of one's own");
});

test("axe: a poll as its owner, running, being edited, presented, and closed", async ({ owner, voter }) => {
  const link = await owner.createPoll({ ...LUNCH, description: "The canteen is closed.", participantsAddOptions: true });
  await isAccessible(owner.page, "new");
  await voter.join(link);
  await voter.poll.callMyself("Ann");
  await voter.poll.vote("Soup");
  await owner.poll.vote("Soup");
  await expect(owner.poll.roleOf("Ann")).toBeVisible();
  await isAccessible(owner.page, "with votes and people");
  await owner.poll.edit.click();
  await expect(owner.poll.editDialog).toBeVisible();
  await isAccessible(owner.page, "being edited");
  await owner.poll.cancelEdit.click();
  await owner.poll.present.click();
  await expect(owner.poll.leavePresentation).toBeVisible();
  await isAccessible(owner.page, "presented");
  await owner.poll.leavePresentation.click();
  await owner.poll.closePoll.click();
  await expect(owner.poll.reopenPoll).toBeVisible();
  await isAccessible(owner.page, "closed");
  await isAccessible(voter.page, "closed, as a voter");
});

test("axe: a poll as a voter, pending, confirmed, refused, and a viewer", async ({ owner, voter }) => {
  await voter.join(await owner.createPoll({ ...TRIP, participantsAddOptions: true }));
  await voter.poll.callMyself("Ann");
  await voter.wire.lose("poll:vote");
  await voter.poll.press("Friday");
  await voter.poll.isPending(1);
  await isAccessible(voter.page, "with a vote pending");
  await voter.wire.mend();
  await voter.wire.cut();
  await voter.poll.isSynced();
  await voter.poll.receipt(3).click();
  await isAccessible(voter.page, "with a receipt");
  await owner.wire.lose("poll:status", "poll:head");
  await owner.poll.closePoll.click();
  await voter.poll.press("Monday");
  await expect(voter.poll.alerts).toContainText("The poll is closed.");
  await isAccessible(voter.page, "with a vote refused");
  await owner.wire.mend();
  await owner.poll.reopenPoll.click();
  await owner.poll.give("Ann", "Viewer");
  await expect(voter.poll.voteButton("Monday")).toHaveAttribute("aria-disabled", "true");
  await isAccessible(voter.page, "as a viewer");
});

test("axe: an owner offline, with and without a copy", async ({ owner, voter, another }) => {
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);
  await voter.poll.vote("Soup");
  await owner.page.close();
  await another.visit(link);
  await another.poll.shown("The owner is offline", 20_000);
  await isAccessible(another.page, "without a copy");
  await expect(voter.poll.connection).toHaveText(/^Owner offline/);
  await isAccessible(voter.page, "with a copy");
});

test("axe: the lobby, a guest's tab, a poll that there is not", async ({ owner, voter, stranger }) => {
  const link = await owner.createPoll({ ...LUNCH, listed: true });
  await voter.visit(link.slice(0, link.lastIndexOf("/")));
  await expect(voter.lobby.polls).toHaveText([LUNCH.question]);
  await isAccessible(voter.page, "the lobby");
  const guest = await owner.newTabBy(() => owner.poll.openAsGuest.click());
  await guest.poll.isConnected();
  await isAccessible(guest.page, "a guest's tab");
  await owner.poll.closePoll.click();
  await expect(voter.lobby.empty).toBeVisible();
  await isAccessible(voter.page, "the lobby without polls");
  await voter.visit(await stranger.otherPoll(link));
  await voter.poll.shown("The owner has no such poll. The link may be old.", 20_000);
  await isAccessible(voter.page, "an unknown poll");
});

test("axe: a bad link, no such page, and a browser that lacks something", async ({ voter, another }) => {
  await voter.visit("poll#abc");
  await expect(voter.message.toStart).toBeVisible();
  await isAccessible(voter.page, "a bad link");
  await voter.visit("nowhere");
  await expect(voter.message.toStart).toBeVisible();
  await isAccessible(voter.page, "no such page");
  for (const missing of ["WebRTC", "Web Locks", "IndexedDB"] as const) await takeAway(another.context, missing);
  await another.goHome();
  await expect(another.home.notices).toHaveCount(3);
  await isAccessible(another.page, "with notices");
});

/** Presses Tab until the focus is there, and sees that it shows. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  const stops = 60;
  for (let stop = 0; stop < stops; stop += 1) {
    if (await target.evaluate((element) => element === document.activeElement)) {
      const outlines = await target.evaluate((element) =>
        // A large target may show its focus on what covers it.
        [undefined, "::after"].map((part) => getComputedStyle(element, part)).map((style) => style.outline),
      );
      expect(outlines, "the focus is visible").toContainEqual(expect.stringMatching(/ solid [2-9]px$/));
      return;
    }
    await page.keyboard.press("Tab");
  }
  throw new Error(`no ${stops} presses of Tab lead to ${target}`);
}

test("a poll is made, voted in, run and closed without a mouse", async ({ owner, voter }) => {
  await owner.goHome();
  const { keyboard } = owner.page;
  await tabTo(owner.page, owner.home.question);
  await keyboard.type(LUNCH.question);
  await keyboard.press("Enter");
  await expect(owner.home.option(1)).toBeFocused();
  await keyboard.type("Pizza");
  await keyboard.press("Enter");
  await expect(owner.home.option(2)).toBeFocused();
  await keyboard.type("Soup");
  await keyboard.press("Enter");
  await expect(owner.home.option(3)).toBeFocused();
  await keyboard.press("Backspace");
  await expect(owner.home.option(2)).toBeFocused();
  await tabTo(owner.page, owner.home.createPoll);
  await keyboard.press("Enter");
  await owner.poll.shown(LUNCH.question);
  await owner.poll.isConnected();

  await tabTo(owner.page, owner.poll.voteButton("Soup"));
  await keyboard.press("Space");
  await owner.poll.hasChosen("Soup");
  await expect(owner.poll.voteButton("Soup")).toBeFocused();

  await voter.goHome();
  await tabTo(voter.page, voter.home.joinField);
  await voter.page.keyboard.insertText(await owner.poll.link());
  await voter.page.keyboard.press("Enter");
  await voter.poll.isConnected();
  await tabTo(voter.page, voter.poll.voteButton("Pizza"));
  await voter.page.keyboard.press("Enter");
  await voter.poll.hasChosen("Pizza");
  await owner.poll.shows({ Pizza: 1, Soup: 1 }, { voters: 2 });
  await expect(voter.poll.voteButton("Pizza")).toBeFocused();

  await tabTo(owner.page, owner.poll.edit);
  await keyboard.press("Enter");
  await expect(owner.poll.editDialog).toBeVisible();
  await keyboard.press("Escape");
  await expect(owner.poll.editDialog).toBeHidden();
  await expect(owner.poll.edit).toBeFocused();
  await keyboard.press("Shift+Tab");
  await expect(owner.poll.closePoll).toBeFocused();
  await keyboard.press("Enter");
  await voter.poll.cannotVote("Soup", /this poll is closed/i);
});
