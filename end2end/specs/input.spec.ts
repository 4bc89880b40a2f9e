// What people type and paste: refused in words, where it stands, and nothing of it lost.

import { expect, test } from "../fixtures";
import type { Person } from "../people";
import { LUNCH } from "../polls";

const OPTIONS_MAX = 50;
/** The specification's bound for saying that an owner does not answer, or does not know a poll. */
const SAID_WITHIN_MS = 20_000;

/** The part after `#` of a link of the right form, to a poll of the key whose seed is all ones. */
const OWNER = "rkeohxlubhyzl7ks3mwtzos5olfgocn7dwkbeg7toseadnapn5olgbib";
const FRAGMENT = `#${OWNER}/aaaaaaaaaaaaaaaaaaaaaaaaa5kqmma2`;
/** The peer id of the key whose seed is all twos. */
const SOMEBODY_ELSE = "qe4xodvipulv6vvdkrtmgtd6ztfy3curwtxdpis56yhvxd6jwokjk4qb";

/** Every way in which a link goes wrong, and what is said about it. */
const BAD_LINKS: Record<string, [fragment: string, words: string]> = {
  "without the part after #": ["#", "There is no poll in this link: the part after # is missing."],
  "that lost its end": [
    FRAGMENT.slice(0, -9),
    "The poll's part of a link has 32 characters; this one has 23. The link was shortened or extended on its way.",
  ],
  "cut in the peer id": [
    FRAGMENT.slice(0, 41),
    "The owner's peer id has 56 characters; this one has 40. The link was shortened or extended on its way.",
  ],
  "with a mistyped peer id": [FRAGMENT.replace("hyz", "hyx"), "The owner's peer id has a typing mistake in it."],
  "with a mistyped poll": [
    FRAGMENT.replace("a5k", "b5k"),
    "The poll's part of the link has a typing mistake, or belongs to another owner.",
  ],
  "with a character that no link has": [
    FRAGMENT.replace("a5k", "a1k"),
    "The poll's part of the link holds a character that it can't have (only a to z and 2 to 7).",
  ],
  "in capitals": [
    FRAGMENT.toUpperCase(),
    "The owner's peer id holds a character that no peer id has (only a to z and 2 to 7).",
  ],
  "with another owner's peer id": [
    FRAGMENT.replace(OWNER, SOMEBODY_ELSE),
    "The poll's part of the link has a typing mistake, or belongs to another owner.",
  ],
};

test.describe("links", () => {
  let sockets: string[];

  test.beforeEach(({ voter }) => {
    sockets = [];
    voter.page.on("websocket", (socket) => sockets.push(socket.url()));
  });

  async function dialsNobody(person: Person): Promise<void> {
    expect(await person.wire.offers()).toBe(0);
    expect(sockets).toEqual([]);
  }

  for (const [what, [fragment, words]] of Object.entries(BAD_LINKS)) {
    test(`a link ${what} is said to be so at once, and nobody is dialled`, async ({ voter }) => {
      await voter.visit(`poll${fragment}`);
      await expect(voter.message.heading).toHaveText(words);
      await dialsNobody(voter);
      await expect(voter.message.toStart).toBeVisible();
    });
  }

  test("a wrong link pasted on the home page is refused beside the field, and can be mended there", async ({ owner, voter }) => {
    const link = await owner.createPoll(LUNCH);
    await voter.goHome();
    await voter.home.paste(link.slice(0, -9));
    await expect(voter.home.joinField).toHaveAccessibleDescription(
      "The poll's part of a link has 32 characters; this one has 23. The link was shortened or extended on its way.",
    );
    await expect(voter.home.joinField).toBeFocused();
    await expect(voter.home.joinField).toHaveValue(link.slice(0, -9));
    await dialsNobody(voter);
    await voter.home.paste("lunch");
    await expect(voter.home.joinField).toHaveAccessibleDescription(/^The owner's peer id has 56 characters; this one has 5\./);
    await voter.home.paste(new URL(link).origin);
    await expect(voter.home.joinField).toHaveAccessibleDescription(
      "This address has no # part. A poll link has one; copy the whole link again.",
    );
    await dialsNobody(voter);
    await voter.home.paste(link);
    await voter.poll.isConnected();
  });

  test("a bad link's page has a way on: the whole link pasted there", async ({ owner, voter }) => {
    const link = await owner.createPoll(LUNCH);
    await voter.visit(link.slice(0, -9));
    await voter.home.paste(link);
    await voter.poll.isConnected();
    await voter.poll.shown(LUNCH.question);
  });

  test("an unknown poll of a known owner is said within 20 s", async ({ owner, stranger, voter }) => {
    const link = await owner.createPoll(LUNCH);
    await voter.visit(await stranger.otherPoll(link));
    await expect(voter.poll.heading).toHaveText("The owner has no such poll. The link may be old.", { timeout: SAID_WITHIN_MS });
    await expect(voter.poll.connection).toHaveText(/^Reconnecting/);
    await expect(voter.poll.tryNow).toBeVisible();
  });
});

test("an owner who is not there is said to be offline within 20 s, and is found once back", async ({ owner, voter }) => {
  const link = await owner.createPoll(LUNCH);
  await owner.page.close();
  await voter.visit(link);
  await expect(voter.poll.connection).toHaveText("Owner offline – no copy on this device yet", { timeout: SAID_WITHIN_MS });
  await voter.poll.shown("The owner is offline");

  const again = await owner.newTab();
  await again.join(link);
  await voter.poll.isConnected();
  await voter.poll.shown(LUNCH.question);
});

test("an owner that never answers is said to be offline within 20 s", async ({ stranger, voter }) => {
  await stranger.squat(77);
  await voter.visit(await stranger.nobodysPoll(77));
  await expect(voter.poll.connection).toHaveText("Owner offline – no copy on this device yet", { timeout: SAID_WITHIN_MS });
  await expect(voter.poll.tryNow).toBeVisible();
});

test("an address without a page says so and leads on", async ({ voter }) => {
  await voter.visit("nowhere");
  await expect(voter.message.heading).toHaveText("There is no page at this address");
  await voter.message.toStart.click();
  await voter.home.shown();
});

test.describe("the form", () => {
  test.beforeEach(({ owner }) => owner.goHome());

  test("an empty one is refused beside every field", async ({ owner: { home, page } }) => {
    await home.createPoll.click();
    await expect(home.question).toHaveAccessibleDescription("This can't be empty: what do you want to ask?");
    await expect(home.option(1)).toHaveAccessibleDescription("This can't be empty: fill it in or remove it.");
    await expect(home.option(2)).toHaveAccessibleDescription("This can't be empty: fill it in or remove it.");
    await expect(home.summary).toHaveText("3 things above need your attention.");
    await expect(home.question).toBeFocused();
    await expect(page).toHaveURL(/\/$/);
  });

  test("what is right stays while the rest is mended", async ({ owner }) => {
    const { home } = owner;
    await home.fill({ question: "  ", options: ["Pizza", "pizza", ""], description: "Kept." });
    await home.createPoll.click();
    await expect(home.question).toHaveAccessibleDescription("This can't be empty: what do you want to ask?");
    await expect(home.option(2)).toHaveAccessibleDescription("The same as option 1.");
    await expect(home.option(3)).toHaveAccessibleDescription("This can't be empty: fill it in or remove it.");
    await expect(home.option(1)).toHaveValue("Pizza");
    await expect(home.option(2)).toHaveValue("pizza");
    await expect(home.description).toHaveValue("Kept.");

    await home.question.fill(LUNCH.question);
    await home.option(2).fill("Soup");
    await expect(home.option(2)).toHaveAccessibleDescription("");
    await home.removeOption(3).click();
    await home.createPoll.click();
    await owner.poll.shown(LUNCH.question);
    await owner.poll.shows({ Pizza: 0, Soup: 0 }, { voters: 0 });
  });

  test("too long texts are refused with their lengths", async ({ owner: { home } }) => {
    await home.fill({ question: "q".repeat(501), options: ["o".repeat(201), "Soup"], description: "d".repeat(2001) });
    await expect(home.question).toHaveAccessibleDescription("At most 500 characters; this has 501.");
    await expect(home.option(1)).toHaveAccessibleDescription("At most 200 characters; this has 201.");
    await expect(home.description).toHaveAccessibleDescription("At most 2000 characters; this has 2001.");
    await home.createPoll.click();
    await expect(home.summary).toHaveText("3 things above need your attention.");
    await expect(home.question).toHaveValue("q".repeat(501));
  });

  test("there is no 51st option, by button or by pasting", async ({ owner }) => {
    const { home, page } = owner;
    await owner.context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await home.question.fill("Which number?");
    const lines = Array.from({ length: OPTIONS_MAX + 2 }, (_, at) => `Number ${at + 1}`);
    await page.evaluate((text) => navigator.clipboard.writeText(text), lines.join("\n"));
    await home.option(1).focus();
    await page.keyboard.press("ControlOrMeta+V");

    await expect(home.option(OPTIONS_MAX)).toHaveValue(`Number ${OPTIONS_MAX}`);
    await expect(home.option(OPTIONS_MAX + 1)).toHaveCount(0);
    await expect(home.addOption).toBeDisabled();
    await expect(home.addOption).toHaveAccessibleDescription("2 pasted lines found no place: a poll holds at most 50 options.");
    await home.createPoll.click();
    await owner.poll.shown("Which number?");
    await owner.poll.isConnected();
    await owner.poll.vote(`Number ${OPTIONS_MAX}`);
    await expect(owner.poll.newOption).toBeVisible();
    await expect(owner.poll.addToPoll).toHaveAccessibleDescription("This poll holds as many options as it can.");
  });

  test("what looks like markup is text", async ({ owner, voter }) => {
    const question = "<img src=x onerror=alert(1)> & <b>bold</b>?";
    await owner.home.create({ question, options: ["<i>1</i>", '"2"'] });
    await owner.poll.shown(question);
    await owner.poll.isConnected();
    await voter.join(await owner.poll.link());
    await voter.poll.shown(question);
    await voter.poll.vote("<i>1</i>");
    await owner.poll.shows({ "<i>1</i>": 1, '"2"': 0 }, { voters: 1 });
  });

  test("two quick presses make one poll", async ({ owner }) => {
    await owner.home.fill(LUNCH);
    await owner.home.createPoll.dblclick();
    await owner.poll.shown(LUNCH.question);
    await owner.poll.isConnected();
    await owner.goHome();
    await expect(owner.home.myPoll(LUNCH.question)).toHaveCount(1);
  });
});
