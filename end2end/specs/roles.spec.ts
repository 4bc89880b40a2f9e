import { expect, test } from "../fixtures";
import { LUNCH } from "../polls";

const VIEWER = "You are a viewer in this poll: you see everything, but don't vote.";
const CLOSED = /this poll is closed/i;

test("a viewer can't vote and is told why; a voter again can", async ({ owner, voter }) => {
  await voter.join(await owner.createPoll(LUNCH));
  await voter.poll.callMyself("Ann");
  await owner.poll.give("Ann", "Viewer");
  await voter.poll.cannotVote("Soup", VIEWER);
  // A press on it does nothing.
  await voter.poll.voteButton("Soup").dispatchEvent("click");
  await voter.poll.hasChosen("Soup", false);
  expect(await voter.wire.sent("poll:vote")).toEqual([]);

  await owner.poll.give("Ann", "Voter");
  await voter.poll.canVote("Soup");
  await voter.poll.vote("Soup");
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
});

test("a moderator closes, reopens, and decides between voters and viewers", async ({ owner, voter, another }) => {
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);
  await another.join(link);
  await voter.poll.callMyself("Ann");
  await another.poll.callMyself("Bob");
  await expect(voter.poll.closePoll).toHaveCount(0);
  await owner.poll.give("Ann", "Moderator");

  await expect(voter.poll.roleOf("Bob").getByRole("option")).toHaveText(["Viewer", "Voter"]);
  await voter.poll.give("Bob", "Viewer");
  await another.poll.cannotVote("Soup", VIEWER);
  await voter.poll.closePoll.click();
  await expect(owner.poll.reopenPoll).toBeVisible();
  await voter.poll.reopenPoll.click();
  await expect(owner.poll.closePoll).toBeVisible();
  await owner.poll.give("Ann", "Voter");
  await expect(voter.poll.closePoll).toHaveCount(0);
});

test("a closed poll takes no votes until it is reopened", async ({ owner, voter }) => {
  await voter.join(await owner.createPoll(LUNCH));
  await voter.poll.vote("Soup");
  await owner.poll.closePoll.click();
  await voter.poll.cannotVote("Pizza", CLOSED);
  await owner.poll.cannotVote("Pizza", CLOSED);
  await voter.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });

  await owner.poll.reopenPoll.click();
  await voter.poll.canVote("Pizza");
  await voter.poll.vote("Pizza");
  await owner.poll.shows({ Pizza: 1, Soup: 0 }, { voters: 1 });
});

test("participants add options where the owner allows it", async ({ owner, voter, another }) => {
  const link = await owner.createPoll({ ...LUNCH, participantsAddOptions: true });
  await voter.join(link);
  await another.join(link);
  await voter.poll.suggest("Salad");
  await another.poll.vote("Salad");
  await owner.poll.shows({ Pizza: 0, Soup: 0, Salad: 1 }, { voters: 1 });
  await voter.poll.shows({ Pizza: 0, Soup: 0, Salad: 1 }, { voters: 1 });

  await voter.poll.suggest("salad");
  await expect(voter.poll.newOption).toHaveAccessibleDescription(/The poll has that option already\./);
  await expect(voter.poll.newOption).toHaveValue("salad");
});

test("participants add no options where the owner does not allow it", async ({ owner, voter }) => {
  await voter.join(await owner.createPoll(LUNCH));
  await expect(voter.poll.newOption).toHaveCount(0);
  await owner.poll.suggest("Salad");
  await voter.poll.shows({ Pizza: 0, Soup: 0, Salad: 0 }, { voters: 0 });
  await expect(voter.poll.newOption).toHaveCount(0);
});

test("the people list knows names, votes, and who comes and goes", async ({ owner, voter, another }) => {
  const link = await owner.createPoll(LUNCH);
  await owner.poll.callMyself("Olga");
  await voter.join(link);
  await voter.poll.callMyself("Ann");
  await expect(owner.poll.person("Ann")).toContainText("here, no vote");
  await expect(voter.poll.person("Olga")).toContainText("here, no vote");
  await voter.poll.vote("Soup");
  await expect(owner.poll.person("Ann")).toContainText("here, voted");

  await another.join(link);
  await another.poll.callMyself("Bob");
  await expect(voter.poll.people).toContainText("3 in this poll, 3 here now");
  await expect(voter.poll.person("Bob")).toContainText("here, no vote");
  await another.page.close();
  await expect(owner.poll.person("Bob")).toContainText("away, no vote");
  await expect(voter.poll.person("Bob")).toContainText("away, no vote");
  await expect(voter.poll.people).toContainText("3 in this poll, 2 here now");

  await voter.poll.callMyself("Anna");
  await expect(owner.poll.person("Anna")).toBeVisible();
  await voter.poll.callMyself("");
  await expect(owner.poll.person("Ann")).toHaveCount(0);
});
