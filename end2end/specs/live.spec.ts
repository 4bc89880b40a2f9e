import { expect, test } from "../fixtures";
import { LUNCH, TRIP } from "../polls";

test("create, share, vote, and see it live", async ({ owner, voter }) => {
  await owner.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await owner.goHome();
  await owner.home.create({ ...LUNCH, description: "The canteen is closed." });
  await owner.poll.shown(LUNCH.question);
  await expect(owner.poll.words("The canteen is closed.")).toBeVisible();
  await owner.poll.isConnected();

  await owner.poll.copyLink.click();
  await expect.poll(() => owner.page.evaluate(() => navigator.clipboard.readText())).toBe(await owner.poll.link());
  await expect(owner.poll.linkField).toHaveAttribute("readonly");

  await voter.join(await owner.poll.link());
  await voter.poll.shown(LUNCH.question);
  await voter.poll.vote("Soup");
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
  await expect(voter.poll.receipt(2)).toBeVisible();

  await owner.poll.vote("Pizza");
  await voter.poll.shows({ Pizza: 1, Soup: 1 }, { voters: 2 });
});

test("a vote can be changed and withdrawn while the poll is open", async ({ owner, voter }) => {
  await voter.join(await owner.createPoll(LUNCH));
  await voter.poll.vote("Soup");
  await voter.poll.vote("Pizza");
  await voter.poll.hasChosen("Soup", false);
  await owner.poll.shows({ Pizza: 1, Soup: 0 }, { voters: 1 });

  await voter.poll.press("Pizza");
  await voter.poll.hasChosen("Pizza", false);
  await owner.poll.shows({ Pizza: 0, Soup: 0 }, { voters: 0 });
});

test("with several choices everybody chooses as many as they like", async ({ owner, voter }) => {
  await voter.join(await owner.createPoll(TRIP));
  await voter.poll.vote("Monday");
  await voter.poll.vote("Friday");
  await owner.poll.vote("Friday");
  await owner.poll.shows({ Monday: 1, Tuesday: 0, Friday: 2 }, { voters: 2 });
  await voter.poll.press("Monday");
  await owner.poll.shows({ Monday: 0, Tuesday: 0, Friday: 2 }, { voters: 2 });
});

test("joining by pasting a link on the home page, and finding it under My polls", async ({ owner, voter }) => {
  const link = await owner.createPoll(LUNCH);
  await voter.goHome();
  await voter.home.paste(link);
  await voter.poll.isConnected();
  await voter.poll.shown(LUNCH.question);

  await voter.goHome();
  await expect(voter.home.myPoll(LUNCH.question)).toBeVisible();
  await voter.home.forget(LUNCH.question).click();
  await expect(voter.home.myPoll(LUNCH.question)).toHaveCount(0);

  await owner.goHome();
  await owner.home.myPoll(LUNCH.question).click();
  await owner.poll.shown(LUNCH.question);
  expect(await owner.poll.link()).toBe(link);
});

test("a poll that does not fit one frame arrives whole", async ({ owner, voter }) => {
  const labels = Array.from({ length: 50 }, (_, at) => `${at + 1} ${"ж".repeat(190)}`);
  const [first, ...rest] = labels;
  await owner.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await owner.goHome();
  await owner.home.question.fill("Which of them?");
  await owner.home.option(1).focus();
  await owner.page.evaluate((text) => navigator.clipboard.writeText(text), labels.join("\n"));
  await owner.page.keyboard.press("ControlOrMeta+V");
  await owner.home.createPoll.click();
  await owner.poll.isConnected();

  await voter.join(await owner.poll.link());
  expect((await voter.wire.received("poll:state:chunk")).length).toBeGreaterThan(1);
  await expect(voter.poll.voteButtons).toHaveText(labels);
  await voter.poll.vote(rest[48]);
  await owner.poll.shows({ [first]: 0, [rest[48]]: 1 }, { voters: 1 });
});

test("the owner edits the words, and votes stay as they are", async ({ owner, voter }) => {
  await voter.join(await owner.createPoll(LUNCH));
  await voter.poll.vote("Soup");
  await owner.poll.edit.click();
  await owner.poll.editQuestion.fill("Where do we have dinner?");
  await owner.poll.saveChanges.click();
  await owner.poll.shown("Where do we have dinner?");
  await voter.poll.shown("Where do we have dinner?");
  await voter.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
});
