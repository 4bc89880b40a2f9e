// Every plug that can be pulled: nothing acked is lost, nothing unacked is forgotten, and the page says what goes on.

import type { Page } from "@playwright/test";

import { expect, test } from "../fixtures";
import { damage, logOf, logsIn, tear } from "../leveldb";
import { LUNCH } from "../polls";
import { PEER_SERVER_AWAY } from "../problems";
import { rowsIn } from "../stored";

/** The specification's bound from the owner's return to being in step again. */
const BACK_IN_STEP_MS = 5_000;
/** A killed peer says nothing: it is missed after 15 s of silence, and then looked for. */
const MISSED_MS = 30_000;

const OWNER_OFFLINE = "The owner is offline. You can vote again as soon as their browser is back.";
const THROWN_AWAY =
  "What this browser had kept for Peerpoll was damaged, and the browser has thrown it away: polls made here are gone, and votes that were not confirmed yet. Confirmed votes in polls of others are safe with their owners.";
const CACHED = /^Owner offline – showing the copy of \d{1,2} \w+ \d{4}, \d{2}:\d{2}$/;

test("owner offline: the cached copy with its date, and back in step without a reload", async ({ owner, voter }) => {
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);
  await voter.poll.vote("Soup");
  const loadedAt = await voter.loadedAt();

  await owner.page.close();
  await expect(voter.poll.connection).toHaveText(CACHED, { timeout: 20_000 });
  await voter.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
  await voter.poll.cannotVote("Pizza", OWNER_OFFLINE);
  await expect(voter.poll.tryNow).toBeVisible();

  const again = await owner.newTab();
  await again.join(link);
  await voter.poll.isConnected(BACK_IN_STEP_MS);
  await voter.poll.canVote("Pizza");
  await voter.poll.vote("Pizza");
  await again.poll.shows({ Pizza: 1, Soup: 0 }, { voters: 1 });
  expect(await voter.loadedAt()).toBe(loadedAt);
});

test("the cached copy is still there after a reload while the owner is offline", async ({ owner, voter }) => {
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);
  await voter.poll.vote("Soup");
  await owner.page.close();
  await expect(voter.poll.connection).toHaveText(CACHED, { timeout: 20_000 });

  await voter.page.reload();
  await voter.poll.shown(LUNCH.question);
  await voter.poll.hasChosen("Soup");
  await expect(voter.poll.connection).toHaveText(CACHED, { timeout: 20_000 });
  await voter.poll.cannotVote("Pizza", OWNER_OFFLINE);
});

test("owner reloads: same poll, and participants are back by themselves", async ({ owner, voter }) => {
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);
  await voter.poll.vote("Soup");

  await owner.page.reload();
  await owner.poll.isConnected();
  expect(await owner.poll.link()).toBe(link);
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
  await voter.poll.isConnected(BACK_IN_STEP_MS);
  await voter.poll.vote("Pizza");
  await owner.poll.shows({ Pizza: 1, Soup: 0 }, { voters: 1 });
});

test("owner killed and restarted: same peer id, same revision, acked votes there", async ({ crashable, voter, another }) => {
  const owner = await crashable.start("owner");
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);
  await voter.poll.vote("Soup");
  await another.join(link);
  await another.poll.press("Pizza");
  await another.poll.isSynced();

  await crashable.kill();
  await expect(voter.poll.connection).toHaveText(CACHED, { timeout: MISSED_MS });

  const restarted = await crashable.start("owner");
  await restarted.join(link);
  expect(await restarted.poll.link()).toBe(link);
  await restarted.poll.shows({ Pizza: 1, Soup: 1 }, { voters: 2 });
  await voter.poll.isConnected(BACK_IN_STEP_MS);
  const welcomes = await voter.wire.received("auth:welcome");
  expect(welcomes.at(-1)).toMatchObject({ head: { revision: 3 } });
  await voter.poll.vote("Pizza");
  await restarted.poll.shows({ Pizza: 2, Soup: 0 }, { voters: 2 });
});

test("owner killed within a write, and then again: acked votes are there", async ({ crashable, voter }) => {
  const owner = await crashable.start("owner");
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);
  await voter.poll.vote("Soup");
  await crashable.kill();
  const torn = await logOf(crashable.profile);
  await tear(torn);

  const restarted = await crashable.start("owner");
  await restarted.join(link);
  // What Chromium writes behind the torn record makes it take the whole file for damaged the next time.
  await expect.poll(() => logsIn(crashable.profile)).not.toContain(torn);
  await voter.poll.isConnected(MISSED_MS);
  await voter.poll.vote("Pizza");
  await crashable.kill();

  const again = await crashable.start("owner");
  await again.join(link);
  await again.poll.shows({ Pizza: 1, Soup: 0 }, { voters: 1 });
  await voter.poll.isConnected(MISSED_MS);
  await voter.poll.vote("Soup");
  await again.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
});

test("a browser that throws damaged storage away: said so", async ({ crashable }) => {
  const owner = await crashable.start("owner");
  await owner.createPoll(LUNCH);
  // The page has it begin a second one, which is empty at first.
  await expect.poll(() => logOf(crashable.profile)).not.toMatch(/000003\.log$/);
  await owner.poll.vote("Soup");
  await crashable.kill();
  await damage(await logOf(crashable.profile));

  const restarted = await crashable.start("owner");
  await restarted.goHome();
  await expect(restarted.home.notices).toHaveText([THROWN_AWAY]);
  const poll = await restarted.createPoll(LUNCH);
  await restarted.page.reload();
  await restarted.poll.isConnected();
  await expect(restarted.poll.notices).toHaveCount(0);
  expect(await restarted.poll.link()).toBe(poll);
});

/** Whom an owner's storage knows of: the signalling ids of all its polls' visitors. */
async function visitorsIn(page: Page): Promise<string[]> {
  return (await rowsIn(page, "visitors")).flatMap((row) => JSON.parse(row));
}

test("an owner that was killed tells who had come, and they are back before they would have missed it", async ({ crashable, voter }) => {
  const owner = await crashable.start("owner");
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);
  await expect.poll(() => visitorsIn(owner.page)).toHaveLength(1);
  await crashable.kill();
  const told = voter.hears(/^\{"type":"LEAVE"/);
  const restarted = await crashable.start("owner");
  await restarted.join(link);
  await told;
  await expect.poll(() => voter.wire.received("auth:welcome"), { timeout: BACK_IN_STEP_MS }).toHaveLength(2);
  await voter.poll.vote("Soup");
  await restarted.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
});

test("owner frozen and thawed: said so meanwhile, and a vote given meanwhile arrives once", async ({ crashable, voter }) => {
  const owner = await crashable.start("owner");
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);

  crashable.freeze();
  await voter.poll.press("Soup");
  await voter.poll.isPending(1);
  await expect(voter.poll.connection).toHaveText(/^(Reconnecting|Owner offline)/, { timeout: MISSED_MS });
  await voter.poll.isPending(1);

  crashable.thaw();
  await voter.poll.isSynced(MISSED_MS);
  await voter.poll.isConnected();
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
  await expect(voter.poll.receipt(2)).toBeVisible();
});

test("a participant reloads with an unacked vote: pending before and after, then acked", async ({ owner, voter }) => {
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);
  // Ends with the reload.
  await voter.wire.lose("poll:vote");
  await voter.poll.press("Soup");
  await voter.poll.isPending(1);

  // Over the reload nobody acks.
  await owner.wire.lose("ack");
  await voter.page.reload();
  await voter.poll.hasChosen("Soup");
  await voter.poll.isPending(1);
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
  await voter.poll.isPending(1);

  await owner.wire.mend();
  await owner.wire.cut();
  await voter.poll.isSynced();
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
});

test("a vote given just before the owner goes stays pending over a reload, and arrives later", async ({ owner, voter }) => {
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);
  await voter.wire.lose("poll:vote");
  await voter.poll.press("Soup");
  await voter.poll.isPending(1);
  await owner.page.close();
  await expect(voter.poll.connection).toHaveText(CACHED, { timeout: 20_000 });
  await voter.poll.isPending(1);
  await voter.page.reload();
  await voter.poll.isPending(1);
  await voter.poll.hasChosen("Soup");

  const again = await owner.newTab();
  await again.join(link);
  await voter.poll.isSynced(BACK_IN_STEP_MS);
  await again.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
});

test("PeerServer stops and starts while voting goes on", async ({ site, problems, owner, voter, another }) => {
  problems.expect(PEER_SERVER_AWAY);
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);

  await site.peerServer.stop();
  await expect(owner.poll.connection).toHaveText(/^Reconnecting/);
  await voter.poll.vote("Soup");
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
  await owner.poll.vote("Pizza");
  await voter.poll.shows({ Pizza: 1, Soup: 1 }, { voters: 2 });

  await another.visit(link);
  await expect(another.poll.connection).toHaveText(/^Reconnecting/);
  await expect(another.poll.cause("The signalling server, which introduces browsers to each other, can't be reached.")).toBeVisible();

  await site.peerServer.startAgain();
  await owner.poll.hurry();
  await owner.poll.isConnected();
  await another.poll.isConnected(20_000);
  await another.poll.vote("Soup");
  await owner.poll.shows({ Pizza: 1, Soup: 2 }, { voters: 3 });
  await voter.poll.shows({ Pizza: 1, Soup: 2 }, { voters: 3 });
});

test("a participant without network is told so, and is back when it is", async ({ problems, owner, voter }) => {
  problems.expect(PEER_SERVER_AWAY);
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);

  await voter.context.setOffline(true);
  await voter.wire.cut();
  await expect(voter.poll.connection).toHaveText(/^Reconnecting/);
  await expect(voter.poll.cause("This device has no network.")).toBeVisible();
  await voter.poll.cannotVote("Soup", "You can vote again as soon as the connection to the owner is back.");

  await voter.context.setOffline(false);
  await voter.poll.isConnected(BACK_IN_STEP_MS);
  await voter.poll.vote("Soup");
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
});
