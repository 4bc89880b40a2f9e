// Hostile texts, typed into the form and sent past it: wherever they are shown they are text, and stay in their place.

import type { Locator, Page } from "@playwright/test";

import { joined, TEXTS } from "../corpus/index";
import { expect, test } from "../fixtures";
import { failing, stallStorage } from "../faults";
import type { Person } from "../people";
import { LUNCH } from "../polls";

const QUESTION_MAX = 500;
const OPTION_CHARS_MAX = 200;
const NAME_MAX = 60;
const CLEAN = TEXTS.filter(({ clean }) => clean);
const UNCLEAN = TEXTS.filter(({ clean }) => !clean);
const TYPED = TEXTS.map(({ typed }) => typed);
const SHOWN = TEXTS.map(({ shown }) => shown);

const texts = (of: Locator): Promise<(string | null)[]> => of.evaluateAll((all) => all.map(({ textContent }) => textContent));
const labels = (of: Locator): Promise<(string | null)[]> => of.evaluateAll((all) => all.map((one) => one.getAttribute("aria-label")));

/** How many elements of each kind the page holds. */
function elements(page: Page): Promise<Record<string, number>> {
  return page.evaluate(() => {
    const count: Record<string, number> = {};
    for (const { localName } of document.querySelectorAll("*")) count[localName] = (count[localName] ?? 0) + 1;
    return count;
  });
}

async function staysWithin(page: Page): Promise<void> {
  const { width, content } = await page.evaluate(() => ({
    width: document.documentElement.clientWidth,
    content: document.documentElement.scrollWidth,
  }));
  expect(content).toBe(width);
}

/** Makes a poll of many options, faster than by typing each. Returns its link. */
async function createPoll(owner: Person, question: string, options: string[]): Promise<string> {
  await owner.goHome();
  await owner.home.question.fill(question);
  await owner.home.pasteOptions(options);
  await owner.home.createPoll.click();
  await owner.poll.shown(question);
  await owner.poll.isConnected();
  return owner.poll.link();
}

test("typed as options, they are text on every page, and make no element", async ({ owner, voter }) => {
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

test("typed as questions, they are text as headings, as titles, in one's own list and in the lobby", async ({ owner, voter }) => {
  const questions = joined(TEXTS, QUESTION_MAX);
  for (const { typed, shown } of questions) {
    await owner.goHome();
    await owner.home.create({ ...LUNCH, question: typed, listed: true });
    await owner.poll.isConnected();
    expect(await owner.poll.heading.textContent()).toBe(shown);
    expect(await owner.page.title()).toBe(`${shown} – Peerpoll`);
  }
  const link = await owner.poll.link();
  await voter.visit(link.slice(0, link.lastIndexOf("/")));
  await expect(voter.lobby.polls).toHaveCount(questions.length);
  const shown = new Set(questions.map(({ shown }) => shown));
  expect(new Set(await texts(voter.lobby.polls))).toEqual(shown);
  await owner.poll.backHome.click();
  await owner.home.shown();
  expect(new Set(await texts(owner.home.myPolls))).toEqual(shown);
});

test("typed as names, they are text in everybody's list of people", async ({ owner, voter }) => {
  await voter.join(await owner.createPoll(LUNCH));
  const names = (person: Person) => person.poll.people.getByRole("listitem").locator("bdi");
  for (const { typed, shown } of joined(TEXTS, NAME_MAX)) {
    await voter.poll.callMyself(typed);
    await expect.poll(() => labels(owner.poll.people.getByRole("combobox"))).toEqual([`Role of ${shown}`]);
    for (const person of [owner, voter]) expect(await texts(names(person))).toContain(shown);
  }
});

test("typed as new options, they are text while they are being saved", async ({ owner, voter }) => {
  await voter.join(await owner.createPoll({ ...LUNCH, participantsAddOptions: true }));
  await stallStorage(voter.page);
  const options = joined(TEXTS, OPTION_CHARS_MAX);
  for (const { typed } of options) await voter.poll.suggest(typed);
  await voter.poll.isPending(options.length);
  const lines = options.map(({ shown }) => `The option “${shown}”: being saved on this device`);
  expect(await texts(voter.poll.pendingLines)).toEqual(lines);
});

test("typed as new options, they are text where it says that they did not go through", async ({ owner, voter }) => {
  await voter.join(await owner.createPoll({ ...LUNCH, participantsAddOptions: true }));
  await failing(voter).strike();
  const options = joined(TEXTS, OPTION_CHARS_MAX);
  for (const { typed } of options) await voter.poll.suggest(typed);
  await expect(voter.poll.alerts).toHaveCount(options.length);
  const words = "This browser could not save it, so it was not sent. Reload the page and try again.";
  const alerts = options.map(({ shown }) => `The option “${shown}” did not go through. ${words}Dismiss`);
  expect(await texts(voter.poll.alerts)).toEqual(alerts);
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

test("sent past the form, what is clean is text on every page", async ({ owner, voter, stranger }) => {
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

test("from an owner who skips the form, what is clean is text, and what is not is not shown at all", async ({ voter, stranger }) => {
  const rogue = await stranger.rule();
  const option = (label: string, id: number) => ({ id, label, addedBy: rogue.state.owner });
  for (const { what, typed } of UNCLEAN) {
    await test.step(what, async () => {
      await rogue.says({ type: "poll:state", payload: { ...rogue.state, options: [option("Plain", 0), option(typed, 1)] } });
      await voter.visit(rogue.address);
      await expect(voter.poll.connection).toHaveText(/^Reconnecting/);
      await voter.poll.shown("Joining the poll …");
    });
  }
  const all = CLEAN.map(({ typed }) => typed);
  await rogue.says({ type: "poll:state", payload: { ...rogue.state, question: all[0], options: all.map(option) } });
  await voter.join(rogue.address);
  expect(await voter.poll.heading.textContent()).toBe(all[0]);
  expect(await texts(voter.poll.voteButtons)).toEqual(all);
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 360, height: 740 } });

  test("they widen no page", async ({ owner, voter }) => {
    const link = await createPoll(owner, "Which text?", TYPED);
    await voter.join(link);
    await owner.poll.edit.click();
    await owner.poll.editQuestion.fill(TYPED.join(" ").slice(0, QUESTION_MAX));
    await staysWithin(owner.page);
    await owner.poll.saveChanges.click();
    await expect(voter.poll.heading).not.toHaveText("Which text?");
    for (const { page } of [owner, voter]) await staysWithin(page);
    await owner.poll.backHome.click();
    await owner.home.shown();
    await staysWithin(owner.page);
  });
});
