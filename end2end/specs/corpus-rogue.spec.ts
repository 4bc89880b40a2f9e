// Hostile texts from an owner who skips the form: what is clean is text, and what is not is not shown at all.

import { joined, TEXTS } from "../corpus/index";
import { elements, labels, staysWithin, texts } from "../corpus/shown";
import { expect, test } from "../fixtures";
import type { State } from "../rogue";

const NAME_MAX = 60;
const DESCRIPTION_MAX = 2_000;
const QUESTION_MAX = 500;
const CLEAN = TEXTS.filter(({ clean }) => clean).map(({ typed }) => typed);
const UNCLEAN = TEXTS.filter(({ clean }) => !clean);

const joinedClean = (max: number): string[] => joined(TEXTS.filter(({ clean }) => clean), max).map(({ typed }) => typed);
const option = ({ owner }: State, label: string, id: number) => ({ id, label, addedBy: owner });

/** Every place in a state that holds a text. */
const PLACES: Record<string, (state: State, text: string) => object> = {
  "the question": (_, question) => ({ question }),
  "the description": (_, description) => ({ description }),
  "an option": (state, label) => ({ options: [option(state, "Plain", 0), option(state, label, 1)] }),
  "a name": ({ owner }, name) => ({ names: { [owner]: name } }),
};

for (const [where, change] of Object.entries(PLACES)) {
  test(`as ${where}, what is not clean is not shown at all`, async ({ voter, stranger }) => {
    const rogue = await stranger.rule();
    for (const { what, typed } of UNCLEAN) {
      await test.step(what, async () => {
        await rogue.says({ type: "poll:state", payload: { ...rogue.state, ...change(rogue.state, typed) } });
        await voter.visit(rogue.address);
        await expect(voter.poll.connection).toHaveText(/^Reconnecting/);
        await voter.poll.shown("Joining the poll …");
        expect(await voter.page.title()).toBe("Joining a poll – Peerpoll");
      });
    }
  });
}

test("in the list of polls, what is not clean is not shown at all", async ({ voter, stranger }) => {
  const rogue = await stranger.rule();
  for (const { what, typed } of UNCLEAN) {
    await test.step(what, async () => {
      await rogue.says({ type: "poll:list", payload: [{ pollId: rogue.state.id, question: typed }] });
      await voter.visit(rogue.lobby);
      await expect(voter.lobby.connection).toHaveText(/^Reconnecting/);
      await expect(voter.lobby.polls).toHaveCount(0);
    });
  }
});

test("what is clean is text in every place of a state, and makes no element", async ({ voter, stranger }) => {
  const rogue = await stranger.rule();
  const show = async (change: object) => {
    await rogue.says({ type: "poll:state", payload: { ...rogue.state, ...change } });
    await voter.join(rogue.address);
  };
  const plain = CLEAN.map((_, at) => option(rogue.state, `Option ${at}`, at));
  await show({ options: plain, question: "Plain", description: "Plain", names: { [rogue.state.owner]: "Plain" } });
  const expected = await elements(voter.page);

  const options = CLEAN.map((label, at) => option(rogue.state, label, at));
  const [description] = joinedClean(DESCRIPTION_MAX);
  const names = joinedClean(NAME_MAX);
  const questions = joinedClean(QUESTION_MAX);
  for (const [at, name] of names.entries()) {
    const question = questions[at % questions.length];
    await show({ options, question, description, names: { [rogue.state.owner]: name } });
    expect(await voter.poll.heading.textContent()).toBe(question);
    expect(await voter.page.title()).toBe(`${question} – Peerpoll`);
    expect(await texts(voter.poll.description)).toEqual([description]);
    expect(await texts(voter.poll.voteButtons)).toEqual(CLEAN);
    expect(await labels(voter.poll.meters)).toEqual(CLEAN);
    expect(await texts(voter.poll.names)).toContain(name);
    expect(await elements(voter.page)).toEqual(expected);
  }
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 360, height: 740 } });

  test("what is clean is text in the list of polls, and widens no page", async ({ voter, stranger }) => {
    const rogue = await stranger.rule();
    const polls = CLEAN.map((question, at) => ({ pollId: `12345678-1234-4234-8234-${String(at).padStart(12, "0")}`, question }));
    await rogue.says({ type: "poll:list", payload: polls });
    await voter.visit(rogue.lobby);
    await expect(voter.lobby.polls).toHaveCount(polls.length);
    expect(await texts(voter.lobby.polls)).toEqual(CLEAN);
    await staysWithin(voter.page);
  });
});
