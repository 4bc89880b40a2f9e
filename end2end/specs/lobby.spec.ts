import { expect, test } from "../fixtures";
import { LUNCH, TRIP } from "../polls";

test("with the peer id alone one is told which open polls the owner lists", async ({ owner, voter }) => {
  const link = await owner.createPoll({ ...LUNCH, listed: true });
  await owner.createPoll(TRIP);
  const [, peerId] = /#(.*)\//.exec(link) ?? [];

  await voter.goHome();
  await voter.home.paste(peerId);
  await expect(voter.lobby.heading).toBeVisible();
  await expect(voter.lobby.connection).toHaveText("Connected");
  await expect(voter.lobby.polls).toHaveText([LUNCH.question]);

  await voter.lobby.poll(LUNCH.question).click();
  await voter.poll.shown(LUNCH.question);
  await voter.poll.isConnected();
  await voter.poll.vote("Soup");
});

test("a listed poll leaves the lobby while it is closed", async ({ owner, voter }) => {
  const link = await owner.createPoll({ ...LUNCH, listed: true });
  await voter.visit(link.slice(0, link.lastIndexOf("/")));
  await expect(voter.lobby.polls).toHaveText([LUNCH.question]);
  await owner.poll.closePoll.click();
  await expect(voter.lobby.empty).toBeVisible();
  await owner.poll.reopenPoll.click();
  await expect(voter.lobby.polls).toHaveText([LUNCH.question]);
});
