// Hostile texts, typed into the form and sent past it: wherever they are shown they are text, and stay in their place.

import { joined, type Shown, TEXTS } from "../corpus/index";
import { elements, labels, staysWithin, texts } from "../corpus/shown";
import { expect, test } from "../fixtures";
import { failing, stallStorage } from "../faults";
import type { NewPoll } from "../pages/home";
import type { Person } from "../people";
import { LUNCH } from "../polls";

const QUESTION_MAX = 500;
const DESCRIPTION_MAX = 2_000;
const OPTION_CHARS_MAX = 200;
const NAME_MAX = 60;
/** So many options are read out at once. */
const SPOKEN_OPTIONS_MAX = 3;
const CLEAN = TEXTS.filter(({ clean }) => clean);
const UNCLEAN = TEXTS.filter(({ clean }) => !clean);
const TYPED = TEXTS.map(({ typed }) => typed);
const SHOWN = TEXTS.map(({ shown }) => shown);

/** Makes a poll of many options, faster than by typing each. Returns its link. */
async function createPoll(owner: Person, question: string, options: string[], { multiple = false } = {}): Promise<string> {
  await owner.goHome();
  await owner.home.question.fill(question);
  await owner.home.pasteOptions(options);
  if (multiple) await owner.home.choice("Several").check();
  await owner.home.createPoll.click();
  await owner.poll.shown(question);
  await owner.poll.isConnected();
  return owner.poll.link();
}

test("typed as options, they are text on buttons and bars, and make no element", async ({ owner, voter }) => {
  const plain = TEXTS.map((_, at) => `Option ${at}`);
  await voter.join(await createPoll(owner, "Plain?", plain));
  const expected = await elements(voter.page);
  await voter.join(await createPoll(owner, "Which text?", TYPED));
  for (const { poll } of [owner, voter]) {
    expect(await texts(poll.voteButtons)).toEqual(SHOWN);
    expect(await labels(poll.voteButtons)).toEqual(SHOWN.map((text) => `Vote for ${text}`));
    expect(await labels(poll.meters)).toEqual(SHOWN);
  }
  expect(await elements(voter.page)).toEqual(expected);
});

test("typed as questions, they are text as headings and titles, in everybody's own list, on buttons and in the lobby", async ({
  owner,
  voter,
}) => {
  const questions = joined(TEXTS, QUESTION_MAX);
  const shown = new Set(questions.map(({ shown }) => shown));
  for (const { typed, shown } of questions) {
    await owner.goHome();
    await owner.home.create({ ...LUNCH, question: typed, listed: true });
    await owner.poll.isConnected();
    await voter.join(await owner.poll.link());
    for (const { poll, page } of [owner, voter]) {
      expect(await poll.heading.textContent()).toBe(shown);
      expect(await page.title()).toBe(`${shown} – Peerpoll`);
    }
  }
  const link = await owner.poll.link();
  await voter.visit(link.slice(0, link.lastIndexOf("/")));
  await expect(voter.lobby.polls).toHaveCount(questions.length);
  expect(new Set(await texts(voter.lobby.polls))).toEqual(shown);
  for (const { poll, home } of [owner, voter]) {
    await poll.backHome.click();
    await home.shown();
    await expect(home.myPolls).toHaveCount(questions.length);
    expect(new Set(await texts(home.myPolls))).toEqual(shown);
  }
  expect(new Set(await labels(voter.home.forgetButtons))).toEqual(new Set([...shown].map((question) => `Forget ${question}`)));
});

test("typed as a description, they are text to everybody", async ({ owner, voter }) => {
  for (const { typed, shown } of joined(TEXTS, DESCRIPTION_MAX)) {
    await voter.join(await owner.createPoll({ ...LUNCH, description: typed }));
    for (const { poll } of [owner, voter]) expect(await texts(poll.description)).toEqual([shown]);
  }
});

test("typed as names, they are text in everybody's list of people", async ({ owner, voter }) => {
  await voter.join(await owner.createPoll(LUNCH));
  for (const { typed, shown } of joined(TEXTS, NAME_MAX)) {
    await voter.poll.callMyself(typed);
    await expect.poll(() => labels(owner.poll.people.getByRole("combobox"))).toEqual([`Role of ${shown}`]);
    for (const { poll } of [owner, voter]) expect(await texts(poll.names)).toContain(shown);
  }
});

/** A way to send texts to an owner, and what a page calls what it has sent. */
type Sending = {
  poll: NewPoll;
  all: Shown[];
  send: (voter: Person, text: Shown) => Promise<void>;
  name: (shown: string) => string;
};

const SENT: Record<string, Sending> = {
  "new options": {
    poll: { ...LUNCH, participantsAddOptions: true },
    all: joined(TEXTS, OPTION_CHARS_MAX),
    send: ({ poll }, { typed }) => poll.suggest(typed),
    name: (shown) => `The option “${shown}”`,
  },
  "names": {
    poll: LUNCH,
    all: joined(TEXTS, NAME_MAX),
    send: ({ poll }, { typed }) => poll.callMyself(typed),
    name: (shown) => `The name “${shown}”`,
  },
  "votes": {
    poll: { ...LUNCH, options: joined(TEXTS, OPTION_CHARS_MAX).map(({ typed }) => typed) },
    all: joined(TEXTS, OPTION_CHARS_MAX),
    send: ({ poll }, { shown }) => poll.press(shown),
    name: (shown) => `Your vote for ${shown}`,
  },
};

for (const [what, { poll, all, send, name }] of Object.entries(SENT)) {
  test(`sent as ${what}, they are text while they are being saved`, async ({ owner, voter }) => {
    await voter.join(await owner.createPoll(poll));
    await stallStorage(voter.page);
    for (const text of all) await send(voter, text);
    await voter.poll.isPending(all.length);
    expect(await texts(voter.poll.pendingLines)).toEqual(all.map(({ shown }) => `${name(shown)}: being saved on this device`));
  });

  test(`sent as ${what}, they are text where it says that they did not go through`, async ({ owner, voter }) => {
    await voter.join(await owner.createPoll(poll));
    await failing(voter).strike();
    for (const [at, text] of all.entries()) {
      await send(voter, text);
      await expect(voter.poll.alerts).toHaveCount(at + 1);
    }
    const words = "This browser could not save it, so it was not sent. Reload the page and try again.";
    const alerts = all.map(({ shown }) => `${name(shown)} did not go through. ${words}Dismiss`);
    expect(await texts(voter.poll.alerts)).toEqual(alerts);
  });
}

test("voted for, they are text where the count is read out", async ({ owner, voter }) => {
  const options = joined(TEXTS, OPTION_CHARS_MAX).map(({ shown }) => shown);
  await voter.join(await createPoll(owner, "Which text?", options, { multiple: true }));
  for (let at = 0; at < options.length; at += SPOKEN_OPTIONS_MAX) {
    const spoken = options.slice(at, at + SPOKEN_OPTIONS_MAX);
    for (const label of spoken) await voter.poll.vote(label);
    const words = spoken.map((label) => `${label} 1`).join(", ");
    await expect.poll(() => texts(owner.poll.readOut)).toEqual([words]);
    await expect(owner.poll.readOut.locator("*")).toHaveCount(0);
    for (const label of spoken) {
      await voter.poll.press(label);
      await voter.poll.hasChosen(label, false);
    }
  }
});

for (const [type, field] of [
  ["poll:option:add", "label"],
  ["user:profile", "name"],
] as const) {
  test(`sent past the form in a ${type}, what is not clean is refused`, async ({ owner, stranger }) => {
    const link = await owner.createPoll({ ...LUNCH, participantsAddOptions: true });
    for (const { what, typed } of UNCLEAN) {
      await test.step(what, async () => {
        const line = await stranger.enter(link);
        const outcome = await line.evaluate(
          async (connection, { type, fields }) => {
            connection.send(await connection.sign(type, fields));
            return connection.settle();
          },
          { type, fields: { [field]: typed } },
        );
        expect(outcome).toEqual({ errors: ["malformed", "malformed"], isOpen: false });
      });
    }
    await owner.poll.shown(LUNCH.question);
    expect(await texts(owner.poll.voteButtons)).toEqual(LUNCH.options);
  });
}

test("sent past the form as options and as a name, what is clean is text to everybody", async ({ owner, voter, stranger }) => {
  const link = await owner.createPoll({ ...LUNCH, participantsAddOptions: true });
  await voter.join(link);
  const added = joined(CLEAN, OPTION_CHARS_MAX).map(({ typed }) => typed);
  const [name] = joined(CLEAN, NAME_MAX).map(({ typed }) => typed);
  const line = await stranger.enter(link);
  await line.evaluate(
    async (connection, { added, name }) => {
      for (const label of added) await connection.give("poll:option:add", { label });
      await connection.give("user:profile", { name });
    },
    { added, name },
  );
  for (const { poll } of [owner, voter]) {
    await expect(poll.person(name)).toBeVisible();
    expect(await texts(poll.voteButtons)).toEqual([...LUNCH.options, ...added]);
    expect(await labels(poll.meters)).toEqual([...LUNCH.options, ...added]);
  }
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 360, height: 740 } });

  test("they widen no page", async ({ owner, voter }) => {
    const long = TYPED.join(" ");
    const link = await createPoll(owner, "Which text?", TYPED);
    await voter.join(link);
    await voter.poll.callMyself(long.slice(-NAME_MAX));
    await voter.poll.isSynced();
    await owner.poll.edit.click();
    await owner.poll.editQuestion.fill(long.slice(0, QUESTION_MAX));
    await owner.poll.editDescription.fill(long.slice(0, DESCRIPTION_MAX));
    await staysWithin(owner.page);
    await owner.poll.saveChanges.click();
    await expect(voter.poll.description).toHaveCount(1);
    for (const { page } of [owner, voter]) await staysWithin(page);
    for (const { poll, home, page } of [owner, voter]) {
      await poll.backHome.click();
      await home.shown();
      await expect(home.myPolls).toHaveCount(1);
      await staysWithin(page);
    }
  });

  test("neither do they where they are being saved or did not go through", async ({ owner, voter }) => {
    await voter.join(await owner.createPoll({ ...LUNCH, participantsAddOptions: true }));
    const options = joined(TEXTS, OPTION_CHARS_MAX);
    const fault = failing(voter);
    await fault.strike();
    for (const { typed } of options) await voter.poll.suggest(typed);
    await expect(voter.poll.alerts).toHaveCount(options.length);
    await staysWithin(voter.page);
    await fault.mend();
    await stallStorage(voter.page);
    for (const { typed } of options) await voter.poll.suggest(typed);
    await voter.poll.isPending(options.length);
    await staysWithin(voter.page);
  });

  test("neither do they in the lobby", async ({ owner, voter }) => {
    const questions = joined(CLEAN, QUESTION_MAX);
    for (const { shown } of questions) await owner.createPoll({ ...LUNCH, question: shown, listed: true });
    const link = await owner.poll.link();
    await voter.visit(link.slice(0, link.lastIndexOf("/")));
    await expect(voter.lobby.polls).toHaveCount(questions.length);
    await staysWithin(voter.page);
  });
});
