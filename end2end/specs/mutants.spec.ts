// A thousand signed votes with something wrong in each: every one is answered as it should be, none counts.

import { Chance } from "../chance";
import { expect, test } from "../fixtures";
import { mutate, type Vote } from "../mutants";
import { LUNCH } from "../polls";

const CONNECTIONS = 100;
const VOTES = 10;
const SEED = 1;

test("a thousand votes with one thing wrong in each: all are answered as they should be, none counts, and nobody else notices", async ({
  owner,
  voter,
  stranger,
}) => {
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);
  const chance = new Chance(SEED, "mutants");
  const expected: object[] = [];
  const outcomes: Promise<object>[] = [];
  for (let turn = 0; turn < CONNECTIONS; turn += 1) {
    const line = await stranger.enter(link);
    const votes = await line.evaluate(
      (connection, count) => Promise.all(Array.from({ length: count }, () => connection.sign("poll:vote", { choices: [0] }))),
      VOTES,
    );
    const mutants = mutate(votes as Vote[], turn, chance);
    expected.push({ errors: mutants.flatMap(({ codes }) => codes), isOpen: false });
    outcomes.push(
      line.evaluate(
        (connection, frames) => {
          for (const frame of frames) connection.sendFrame(frame);
          return connection.settle();
        },
        mutants.map(({ frame }) => frame),
      ),
    );
  }

  expect(await Promise.all(outcomes)).toEqual(expected);
  await voter.poll.isConnected();
  expect(await voter.wire.received("auth:welcome")).toHaveLength(1);
  expect(await voter.wire.received("poll:vote")).toEqual([]);
  await voter.poll.vote("Soup");
  await expect(voter.poll.receipt(2)).toBeVisible();
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
});
