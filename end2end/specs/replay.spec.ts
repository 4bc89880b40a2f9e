// A signed vote is good for one poll of one owner, under one key, as long as poll and role allow it: recorded and sent again
// anywhere else it is refused.

import { expect, test } from "../fixtures";
import { LUNCH, TRIP } from "../polls";
import type { Line, Outcome } from "../stranger";

type Command = Awaited<ReturnType<Awaited<ReturnType<Line["jsonValue"]>>["sign"]>>;

const AUTHOR = 5;
const SOMEBODY_ELSE = 6;

const answered = (...errors: string[]): Outcome => ({ errors, isOpen: true });

function replay(line: Line, vote: Command): Promise<Outcome> {
  return line.evaluate((connection, vote) => {
    connection.send(vote);
    return connection.settle();
  }, vote);
}

const signVote = (line: Line): Promise<Command> => line.evaluate((connection) => connection.sign("poll:vote", { choices: [0] }));

test("a vote signed for one poll is a bad signature in another, to another owner, and under another key, and counts in its own", async ({
  owner,
  another,
  stranger,
}) => {
  const link = await owner.createPoll(LUNCH);
  const otherPoll = await owner.createPoll(TRIP);
  const otherOwner = await another.createPoll(LUNCH);
  const line = await stranger.enter(link, AUTHOR);
  const vote = await signVote(line);

  expect(await replay(await stranger.enter(otherPoll, AUTHOR), vote)).toEqual(answered("bad-signature"));
  expect(await replay(await stranger.enter(otherOwner, AUTHOR), vote)).toEqual(answered("bad-signature"));
  expect(await replay(await stranger.enter(link, SOMEBODY_ELSE), vote)).toEqual(answered("bad-signature"));
  await owner.poll.shown(TRIP.question);
  await owner.poll.shows({ Monday: 0, Tuesday: 0, Friday: 0 }, { voters: 0 });
  await another.poll.shows({ Pizza: 0, Soup: 0 }, { voters: 0 });

  expect(await replay(line, vote)).toEqual(answered());
  await owner.visit(link);
  await owner.poll.shows({ Pizza: 1, Soup: 0 }, { voters: 1 });
});

test("a vote signed as a voter is refused once its author is a viewer, and counts when they are a voter again", async ({
  owner,
  stranger,
}) => {
  const line = await stranger.enter(await owner.createPoll(LUNCH), AUTHOR);
  await line.evaluate((connection) => connection.give("user:profile", { name: "Zoë" }));
  const vote = await signVote(line);
  await owner.poll.give("Zoë", "Viewer");
  await line.evaluate((connection) => connection.next("poll:role:update"));
  expect(await replay(line, vote)).toEqual(answered("role-forbids"));
  await owner.poll.shows({ Pizza: 0, Soup: 0 }, { voters: 0 });

  await owner.poll.give("Zoë", "Voter");
  await line.evaluate((connection) => connection.next("poll:role:update"));
  expect(await replay(line, vote)).toEqual(answered("role-forbids"));
  await owner.poll.shows({ Pizza: 1, Soup: 0 }, { voters: 1 });
});

test("a vote signed while the poll was open is refused after close, and one that counted is acked as before", async ({
  owner,
  stranger,
}) => {
  const line = await stranger.enter(await owner.createPoll(LUNCH), AUTHOR);
  const counted = await signVote(line);
  const late = await signVote(line);
  const ack = await line.evaluate((connection, vote) => {
    connection.send(vote);
    return connection.next("ack");
  }, counted);
  await owner.poll.closePoll.click();
  await line.evaluate((connection) => connection.next("poll:status"));

  expect(await replay(line, late)).toEqual(answered("poll-closed"));
  expect(await replay(line, counted)).toEqual(answered("poll-closed"));
  expect(await line.evaluate((connection) => connection.next("ack"))).toEqual(ack);
  await owner.poll.shows({ Pizza: 1, Soup: 0 }, { voters: 1 });
});
