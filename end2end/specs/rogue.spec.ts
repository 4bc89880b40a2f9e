// Owners who don't keep to the protocol: a participant's page believes nothing that does not hold, and lives on.

import { expect, test } from "../fixtures";
import type { State } from "../rogue";
import { LUNCH } from "../polls";

/** No pause between two attempts is longer. */
const LONGEST_PAUSE_MS = 60_000;

const zeros = (length: number): string => "A".repeat(Math.ceil((length * 8) / 6));

/** What an owner says after its welcome. */
const SPEECHES: Record<string, (state: State) => (string | object)[]> = {
  "no JSON": () => ["{"],
  "a frame that is too large": () => [`"${"x".repeat(16_000)}"`],
  "deep nesting": () => ["[".repeat(5_000) + "]".repeat(5_000)],
  "another poll's state": (state) => [{ type: "poll:state", payload: { ...state, id: "12345678-1234-4234-8234-123456789abc" } }],
  "a state without options": (state) => [{ type: "poll:state", payload: { ...state, options: [] } }],
  "a state with a vote for an option that there is not": (state) => [
    { type: "poll:state", payload: { ...state, votes: { [state.owner]: [7] } } },
  ],
  "a state older than the head it has just signed": (state) => [{ type: "poll:state", payload: { ...state, revision: 0 } }],
  "the second piece of a state first": () => [
    { type: "poll:state:chunk", payload: { index: 1, count: 2, hash: zeros(32), data: "AAAA" } },
  ],
  "pieces without end": () => [{ type: "poll:state:chunk", payload: { index: 0, count: 1_000_000, hash: zeros(32), data: "AAAA" } }],
  "a piece with another hash": () => [{ type: "poll:state:chunk", payload: { index: 0, count: 1, hash: zeros(32), data: "AAAA" } }],
  "a forged head": (state) => [
    { type: "poll:head", payload: { revision: 9, hash: state.head, flags: 1, timeMs: 1, signature: zeros(64) } },
  ],
  "a hello": () => [{ type: "auth:hello", payload: { version: 1, nonce: zeros(32) } }],
};

test("whatever an owner says that does not hold ends the connection, and the page lives on", async ({ voter, stranger }) => {
  const rogue = await stranger.rule();
  for (const [what, speech] of Object.entries(SPEECHES)) {
    await test.step(what, async () => {
      await rogue.says(...speech(rogue.state));
      await voter.visit(rogue.address);
      await expect(voter.poll.connection).toHaveText(/^Reconnecting/);
      await voter.poll.shown("Joining the poll …");
      expect(await voter.wire.received("auth:welcome")).not.toHaveLength(0);
    });
  }

  await rogue.says({ type: "poll:burn", payload: {} }, { type: "poll:state", payload: rogue.state });
  await voter.poll.hurry();
  await voter.poll.isConnected();
  await voter.poll.shown("Who is honest?");
});

test("a forged ack confirms nothing: the vote stays pending", async ({ voter, stranger }) => {
  const rogue = await stranger.rule();
  await rogue.says({ type: "poll:state", payload: rogue.state });
  await voter.join(rogue.address);
  await voter.poll.press("You");
  await expect.poll(() => voter.wire.received("ack")).not.toHaveLength(0);
  await expect(voter.poll.connection).toHaveText(/^Reconnecting/);
  await voter.poll.isPending(1);
});

test("a forged increment changes nothing: the state is asked for", async ({ voter, stranger }) => {
  const rogue = await stranger.rule();
  const entry = { revision: 3, author: rogue.state.owner, timeMs: 1, hash: zeros(32) };
  const commandId = "12345678-1234-4234-8234-123456789abc";
  const forged = { type: "poll:vote", payload: { choices: [1], commandId, signature: zeros(64), entry } };
  await rogue.says({ type: "poll:state", payload: rogue.state }, forged);
  await voter.join(rogue.address);
  await expect.poll(() => rogue.asked()).toContain("sync:request");
  await voter.poll.shows({ You: 0, I: 0 }, { voters: 0 });
});

test("an owner who goes back to an older state is found out", async ({ voter, stranger }) => {
  const rogue = await stranger.rule();
  await rogue.says({ type: "poll:state", payload: { ...rogue.state, revision: 5 } });
  await voter.join(rogue.address);
  await expect(voter.poll.alerts).toHaveCount(0);

  await rogue.says({ type: "poll:state", payload: { ...rogue.state, revision: 4 } });
  await voter.wire.cut();
  await expect(voter.poll.alerts).toContainText("The owner now shows a different history.");
});

test("an owner who calls an option something else is shown with the new label: what one presses is what one votes for", async ({
  voter,
  stranger,
}) => {
  const rogue = await stranger.rule();
  const [first, second] = rogue.state.options;
  await rogue.says({ type: "poll:state", payload: { ...rogue.state, options: [first, second] } });
  await voter.join(rogue.address);

  await rogue.says({ type: "poll:state", payload: { ...rogue.state, revision: 3, options: [first, { ...second, label: "Nobody" }] } });
  await voter.wire.cut();
  await expect(voter.poll.voteButtons).toHaveText(["You", "Nobody"]);
  await expect(voter.poll.meter("Nobody")).toBeVisible();
  await expect(voter.poll.voteButton("Nobody")).toBeVisible();
});

test("an owner whose peer id is held by somebody else is told so, and takes over once it is free", async ({ owner, voter, stranger }) => {
  const link = await owner.createPoll(LUNCH);
  await owner.page.close();
  await stranger.impersonate(link);

  const again = await owner.newTab();
  await again.visit(link);
  await expect(again.poll.connection).toHaveText(/^Reconnecting/);
  const words = "Another device or browser is using your peer id. Close Peerpoll there, and this one takes over.";
  await expect(again.poll.cause(words)).toBeVisible();

  await stranger.leave();
  await again.poll.hurry();
  await again.poll.isConnected(LONGEST_PAUSE_MS);
  await voter.join(link);
});
