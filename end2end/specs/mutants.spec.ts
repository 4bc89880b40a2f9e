// Signed votes with something wrong in each: every one is answered as it should be, none counts.

import { Chance } from "../chance";
import { expect, test } from "../fixtures";
import { deform, falsify, type Vote } from "../mutants";
import type { Person } from "../people";
import { LUNCH } from "../polls";
import { Stranger } from "../stranger";

const SEED = 1;
const MUTANTS = 1_000;
/** A page may have so many connections, those included that it has closed and not yet collected. */
const PER_STRANGER = 200;
/** As many strangers at a time as there are cores to be had. */
const AT_ONCE = 2;
const FALSIFIED_PER_CONNECTION = 10;

// A thousand handshakes take their time.
test.slow();

/** Neither end has noticed anything, and a vote still goes through and counts once. */
async function isUnharmed(owner: Person, voter: Person): Promise<void> {
  await voter.poll.isConnected();
  expect(await voter.wire.received("auth:welcome")).toHaveLength(1);
  expect(await voter.wire.received("poll:vote")).toEqual([]);
  await voter.poll.vote("Soup");
  await expect(voter.poll.receipt(2)).toBeVisible();
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
}

test("a thousand malformed frames from as many people: each is answered and cut off, none counts, and nobody else notices", async ({
  browser,
  owner,
  site,
  voter,
}) => {
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);
  const turns = Array.from({ length: MUTANTS / PER_STRANGER }, (_, turn) => turn);
  const takeTurns = async (): Promise<void> => {
    for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) {
      const chance = new Chance(SEED, `malformed/${turn}`);
      const stranger = await Stranger.come(browser, site);
      const { identities, votes } = await stranger.signVotes(link, PER_STRANGER);
      const mutants = deform(votes, chance);
      const outcomes = await stranger.sendOneEach(link, identities, mutants);
      expect(mutants.map((mutant, at) => ({ ...mutant, ...outcomes[at] }))).toEqual(
        mutants.map((mutant) => ({ ...mutant, errors: mutant.codes, isOpen: false })),
      );
      await stranger.leave();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, takeTurns));
  await isUnharmed(owner, voter);
});

test("a thousand well-formed votes that nobody signed so: each is refused, none counts, and their sender stays", async ({
  owner,
  voter,
  stranger,
}) => {
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);
  const chance = new Chance(SEED, "falsified");
  for (let turn = 0; turn < MUTANTS / FALSIFIED_PER_CONNECTION; turn += 1) {
    const line = await stranger.enter(link);
    const votes = await line.evaluate(
      (connection, count) => Promise.all(Array.from({ length: count }, () => connection.sign("poll:vote", { choices: [0] }))),
      FALSIFIED_PER_CONNECTION,
    );
    const mutants = falsify(votes as Vote[], chance);
    const outcome = await line.evaluate(
      (connection, frames) => {
        for (const frame of frames) connection.sendFrame(frame);
        return connection.settle();
      },
      mutants.map(({ frame }) => frame),
    );
    expect(outcome).toEqual({ errors: mutants.flatMap(({ codes }) => codes), isOpen: true });
    await line.evaluate((connection) => connection.close());
  }
  await isUnharmed(owner, voter);
});
