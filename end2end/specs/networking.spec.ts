// The five tests that the specification names.

import { expect, test } from "../fixtures";
import { LUNCH } from "../polls";

test("Two browser tabs can establish a PeerJS connection", async ({ owner }) => {
  await owner.createPoll(LUNCH);
  const guest = await owner.newTabBy(() => owner.poll.openAsGuest.click());

  await guest.poll.shown(LUNCH.question);
  await guest.poll.isConnected();
  await expect(owner.poll.people).toContainText("2 in this poll, 2 here now");
  expect(await guest.wire.offers()).toBe(1);
  expect(await guest.wire.received("auth:welcome")).toHaveLength(1);
  expect(await owner.wire.sent("auth:welcome")).toEqual(await guest.wire.received("auth:welcome"));
});

test("Messages round-trip correctly", async ({ owner, voter, another }) => {
  const link = await owner.createPoll({ ...LUNCH, participantsAddOptions: true });
  await voter.join(link);
  await another.join(link);

  await test.step("poll:state and peer:discovery on connect", async () => {
    const [state] = await voter.wire.received("poll:state");
    expect(state).toMatchObject({ question: LUNCH.question, revision: 1, open: true });
    await expect.poll(() => voter.wire.received("peer:discovery")).not.toHaveLength(0);
    await expect(voter.poll.people).toContainText("3 in this poll, 3 here now");
  });

  await test.step("poll:vote out, ack to the sender, the increment to everybody", async () => {
    await voter.poll.vote("Soup");
    await another.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
    const [command] = await voter.wire.sent("poll:vote");
    expect(command).toMatchObject({ choices: [1] });
    const [ack] = await voter.wire.received("ack");
    expect(ack).toMatchObject({ commandId: command.commandId, revision: 2 });
    const increment = { ...command, entry: { revision: 2 } };
    expect((await voter.wire.received("poll:vote"))[0]).toMatchObject(increment);
    expect((await another.wire.received("poll:vote"))[0]).toMatchObject(increment);
  });

  await test.step("user:profile", async () => {
    await voter.poll.callMyself("Ann");
    await expect(another.poll.person("Ann")).toBeVisible();
    expect((await another.wire.received("user:profile"))[0]).toMatchObject({ name: "Ann", entry: { revision: 3 } });
  });

  await test.step("poll:option:add", async () => {
    await voter.poll.suggest("Salad");
    await another.poll.shows({ Salad: 0 }, { voters: 1 });
    expect((await another.wire.received("poll:option:add"))[0]).toMatchObject({ label: "Salad", entry: { revision: 4 } });
  });

  await test.step("poll:role:update, from the owner", async () => {
    await owner.poll.give("Ann", "Moderator");
    await expect(voter.poll.closePoll).toBeVisible();
    expect((await voter.wire.received("poll:role:update"))[0]).toMatchObject({ role: "moderator", entry: { revision: 5 } });
  });

  await test.step("sync:request after a gap, answered with poll:state", async () => {
    await owner.wire.lose("poll:vote");
    await another.poll.press("Pizza");
    await owner.poll.shows({ Pizza: 1 }, { voters: 2 });
    await owner.wire.mend();
    await owner.poll.press("Pizza");
    await voter.poll.shows({ Pizza: 2, Soup: 1, Salad: 0 }, { voters: 3 });
    await another.poll.shows({ Pizza: 2, Soup: 1, Salad: 0 }, { voters: 3 });
    expect(await voter.wire.sent("sync:request")).toHaveLength(1);
    expect(await voter.wire.received("poll:state")).toHaveLength(2);
  });

  await test.step("error", async () => {
    await owner.wire.lose("poll:status", "poll:head");
    await owner.poll.closePoll.click();
    await expect(owner.poll.reopenPoll).toBeVisible();
    await voter.poll.press("Pizza");
    await expect(voter.poll.alerts).toContainText("Your vote for Pizza did not go through. The poll is closed.");
    const [error] = await voter.wire.received("error");
    expect(error).toMatchObject({ code: "poll-closed", commandId: (await voter.wire.sent("poll:vote"))[1].commandId });
  });
});

test("Reconnection works after simulated disconnect", async ({ owner, voter }) => {
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);
  const loadedAt = await voter.loadedAt();

  await voter.wire.cut();
  await expect.poll(() => voter.wire.received("auth:welcome")).toHaveLength(2);
  await voter.poll.isConnected();
  await voter.poll.vote("Soup");
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });

  await owner.wire.cut();
  await expect.poll(() => voter.wire.received("auth:welcome")).toHaveLength(3);
  await voter.poll.vote("Pizza");
  await owner.poll.shows({ Pizza: 1, Soup: 0 }, { voters: 1 });
  expect(await voter.loadedAt()).toBe(loadedAt);
});

test("Unacked commands are resent after reconnect", async ({ owner, voter }) => {
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);

  await test.step("a command that never arrived", async () => {
    await voter.wire.lose("poll:vote");
    await voter.poll.press("Soup");
    await voter.poll.isPending(1);
    await voter.wire.mend();
    await voter.wire.cut();
    await voter.poll.isSynced();
    await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
    await expect(voter.poll.receipt(2)).toBeVisible();
  });

  await test.step("a command that arrived, but whose ack got lost", async () => {
    await owner.wire.lose("ack");
    await voter.poll.press("Pizza");
    await owner.poll.shows({ Pizza: 1, Soup: 0 }, { voters: 1 });
    await voter.poll.isPending(1);
    await owner.wire.mend();
    await voter.wire.cut();
    await voter.poll.isSynced();
    await expect(voter.poll.receipt(3)).toBeVisible();
    await owner.poll.shows({ Pizza: 1, Soup: 0 }, { voters: 1 });
    const [, first, again] = await voter.wire.sent("poll:vote");
    expect(again).toEqual(first);
  });
});

test("Owner deduplicates commands by commandId", async ({ owner, voter }) => {
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);
  await voter.wire.repeat("poll:vote", 10);

  await voter.poll.vote("Soup");

  await expect.poll(() => voter.wire.received("ack")).toHaveLength(10);
  const acks = await voter.wire.received("ack");
  expect(acks).toEqual(Array(10).fill(acks[0]));
  expect(acks[0]).toMatchObject({ revision: 2 });
  expect(new Set((await voter.wire.sent("poll:vote")).map(({ commandId }) => commandId)).size).toBe(1);
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
  await voter.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
});
