// On a phone of 360 by 740: everything fits, and everything can be hit with a thumb.

import type { Page } from "@playwright/test";

import { expect, test } from "../fixtures";
import type { Tab } from "../people";
import { LUNCH } from "../polls";

test.use({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 });

const TARGET_PX_MIN = 44;
const CONTROLS = ["button", "link", "textbox", "checkbox", "radio", "combobox"] as const;

async function fits(page: Page, what: string): Promise<void> {
  const widths = await page.evaluate(() => ({
    content: document.documentElement.scrollWidth,
    window: document.documentElement.clientWidth,
  }));
  expect.soft(widths, `${what} does not scroll sideways`).toEqual({ content: 360, window: 360 });
  const small: string[] = [];
  for (const role of CONTROLS) {
    for (const control of await page.getByRole(role).all()) {
      // A label that belongs to a control is part of its target.
      const target = await control.evaluate((element) => {
        const { width, height } = (element.closest("label") ?? element).getBoundingClientRect();
        return { name: element.outerHTML.slice(0, 120), width: Math.round(width), height: Math.round(height) };
      });
      if (Math.min(target.width, target.height) < TARGET_PX_MIN) small.push(`${role} ${JSON.stringify(target)}`);
    }
  }
  expect.soft(small, `${what} has targets of ${TARGET_PX_MIN} px and more`).toEqual([]);
}

test("the whole flow on two phones", async ({ owner, voter }) => {
  await owner.goHome();
  await fits(owner.page, "the home page");
  await owner.home.createPoll.tap();
  await owner.home.paste("lunch");
  await owner.home.settings.tap();
  await fits(owner.page, "the home page with errors");
  await owner.goHome();
  await owner.home.create({ ...LUNCH, description: "The canteen is closed." });
  await owner.poll.isConnected();
  await fits(owner.page, "the owner's poll");

  await voter.join(await owner.poll.link());
  await voter.poll.voteButton("Soup").tap();
  await voter.poll.hasChosen("Soup");
  await voter.poll.callMyself("Ann");
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
  await expect(owner.poll.roleOf("Ann")).toBeVisible();
  await fits(owner.page, "the owner's poll with people");
  await fits(voter.page, "the voter's poll");
  await owner.poll.edit.tap();
  await expect(owner.poll.editDialog).toBeVisible();
  await fits(owner.page, "the dialog");
  await owner.poll.cancelEdit.tap();
  await owner.poll.closePoll.tap();
  await voter.poll.cannotVote("Pizza", /this poll is closed/i);
  await fits(voter.page, "the closed poll");
  await voter.goHome();
  await expect(voter.home.myPoll(LUNCH.question)).toBeVisible();
  await fits(voter.page, "the home page with polls");
});

test("very long words do not widen the page", async ({ owner, voter }) => {
  const long = (length: number) => "W".repeat(length);
  const poll = { question: long(500), options: [long(200), "Soup"], description: long(2_000) };
  await voter.join(await owner.createPoll(poll));
  await voter.poll.callMyself(long(60));
  await expect(owner.poll.person(long(60))).toBeVisible();
  await fits(owner.page, "the owner's poll");
  await fits(voter.page, "the voter's poll");
});

test("bad links, missing pages and owners who are away fit as well", async ({ voter, stranger }) => {
  const shows = async (tab: Tab, address: string, title: RegExp) => {
    await tab.visit(address);
    await expect(tab.message.heading).toHaveText(title, { timeout: 20_000 });
    await fits(tab.page, String(title));
  };
  await shows(voter, "poll#abc", /^The owner's peer id has 56 characters/);
  await shows(voter, "nowhere", /^There is no page at this address$/);
  await shows(voter, await stranger.nobodysPoll(78), /^The owner is offline$/);
});
