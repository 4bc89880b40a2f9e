// Participants who don't keep to the protocol: each is answered with a code or cut off, and nobody else notices.

import { expect, test } from "../fixtures";
import type { Line, Outcome } from "../stranger";
import { LUNCH } from "../polls";

/** The protocol's 10 s, and a try or two. */
const LET_IN_AGAIN_MS = 25_000;

/** Runs in the stranger's page. */
type Attack = (line: Awaited<ReturnType<Line["jsonValue"]>>) => unknown;

const cutOff = (...errors: string[]): Outcome => ({ errors, isOpen: false });
const answered = (...errors: string[]): Outcome => ({ errors, isOpen: true });

const BEFORE_PROOF: Record<string, [Attack, Outcome]> = {
  "no JSON": [(line) => line.sendFrame("{"), cutOff("malformed")],
  "an empty array": [(line) => line.sendFrame("[]"), cutOff("malformed")],
  "null": [(line) => line.sendFrame("null"), cutOff("malformed")],
  "an unknown type": [(line) => line.send({ type: "poll:burn", payload: {} }), cutOff("unknown-type")],
  "too much for a handshake": [(line) => line.sendFrame(`"${"x".repeat(1_023)}"`), cutOff("frame-too-large")],
  "too much for any frame": [(line) => line.sendFrame(`"${"x".repeat(16_000)}"`), cutOff()],
  // A channel carries 262,144 bytes at most.
  "two hundred kilobytes": [(line) => line.sendFrame("x".repeat(200_000)), cutOff()],
  "bytes": [(line) => line.sendFrame(new Uint8Array([123, 125])), cutOff()],
  "deep nesting": [(line) => line.sendFrame(`${"[".repeat(400)}${"]".repeat(400)}`), cutOff("too-deep")],
  "a ping": [(line) => line.send({ type: "ping", payload: {} }), cutOff("out-of-order")],
  "a vote": [async (line) => line.send(await line.sign("poll:vote", { choices: [0] })), cutOff("out-of-order")],
  "the wish for the state": [
    (line) => line.send({ type: "sync:request", payload: { pollId: line.room.pollId } }),
    cutOff("out-of-order"),
  ],
  "another version": [
    (line) => line.send({ type: "auth:hello", payload: { version: 2, nonce: "A".repeat(43) } }),
    cutOff("unsupported-version"),
  ],
  "hello twice": [(line) => Promise.all([line.greet(), line.greet()]), cutOff("out-of-order")],
  "a forged proof": [
    async (line) => {
      const proof = await line.proof(await line.greet());
      line.send({ type: "auth:participant", payload: { ...proof, signature: `B${proof.signature.slice(1)}` } });
    },
    cutOff("bad-proof"),
  ],
  "a proof for another poll": [
    async (line) => {
      const proof = await line.proof(await line.greet());
      const pollId = "00000000-0000-0000-0000-000000000000";
      line.send({ type: "auth:participant", payload: { ...proof, pollId } });
    },
    cutOff("bad-proof"),
  ],
  "a proof by a key that is not behind this peer id": [
    async (line) => {
      const other = await window.peerpoll.Identity.fromSeed();
      line.send({ type: "auth:participant", payload: await line.proof(await line.greet(), other) });
    },
    cutOff("bad-proof"),
  ],
};

const AS_A_MEMBER: Record<string, [Attack, Outcome]> = {
  "no JSON": [(line) => line.sendFrame("{"), cutOff("malformed")],
  "a vote without choices": [
    (line) => line.send({ type: "poll:vote", payload: { commandId: crypto.randomUUID() } }),
    cutOff("malformed", "malformed"),
  ],
  "an unknown type": [(line) => line.send({ type: "poll:burn", payload: {} }), answered("unknown-type")],
  "too much for any frame": [(line) => line.sendFrame(`"${"x".repeat(16_000)}"`), cutOff()],
  "a hundred and one messages in a frame": [
    (line) => line.sendFrame(JSON.stringify(Array(101).fill({ type: "ping", payload: {} }))),
    cutOff("malformed"),
  ],
  "deep nesting": [(line) => line.sendFrame(`${"[".repeat(5_000)}${"]".repeat(5_000)}`), cutOff("too-deep")],
  "hello again": [
    (line) => line.send({ type: "auth:hello", payload: { version: 1, nonce: "A".repeat(43) } }),
    cutOff("out-of-order"),
  ],
  "a state of one's own": [
    (line) => line.send({ ...line.received.find(({ type }) => type === "poll:state") }),
    cutOff("out-of-order"),
  ],
  "people of one's own": [
    (line) => line.send({ type: "peer:discovery", payload: [{ peerId: line.room.ownerPeerId, online: false }] }),
    cutOff("out-of-order"),
  ],
  "an increment of one's own": [
    async (line) => {
      const { type, payload } = await line.sign("poll:vote", { choices: [0] });
      const entry = { revision: 2, author: line.identity.peerId, timeMs: 1, hash: "A".repeat(43) };
      line.send({ type, payload: { ...payload, entry } });
    },
    cutOff("out-of-order", "out-of-order"),
  ],
  "the wish for another poll's state": [
    (line) => line.send({ type: "sync:request", payload: { pollId: crypto.randomUUID() } }),
    cutOff("unknown-poll"),
  ],
  "a vote with a forged signature": [
    async (line) => {
      const { type, payload } = await line.sign("poll:vote", { choices: [0] });
      line.send({ type, payload: { ...payload, choices: [1] } });
    },
    answered("bad-signature"),
  ],
  "a vote signed for another poll": [
    async (line) => {
      const room = { ...line.room, pollId: crypto.randomUUID() };
      line.send(await window.peerpoll.signCommand(line.identity, room, "poll:vote", { choices: [0] }));
    },
    answered("bad-signature"),
  ],
  "a vote signed by somebody else": [
    async (line) => {
      const other = await window.peerpoll.Identity.fromSeed();
      line.send(await window.peerpoll.signCommand(other, line.room, "poll:vote", { choices: [0] }));
    },
    answered("bad-signature"),
  ],
  "an option that there is not": [
    async (line) => line.send(await line.sign("poll:vote", { choices: [2] })),
    answered("unknown-option"),
  ],
  "two choices where one is asked for": [
    async (line) => line.send(await line.sign("poll:vote", { choices: [0, 1] })),
    answered("too-many-choices"),
  ],
  "the same choice twice": [
    async (line) => line.send(await line.sign("poll:vote", { choices: [0, 0] })),
    answered("unordered-choices"),
  ],
  "an option where only the owner adds them": [
    async (line) => line.send(await line.sign("poll:option:add", { label: "Salad" })),
    answered("options-by-owner-only"),
  ],
  "closing": [async (line) => line.send(await line.sign("poll:status", { open: false })), answered("role-forbids")],
  "editing": [
    async (line) => {
      const fields = { question: "Mine?", participantsAddOptions: true, listed: true };
      line.send(await line.sign("poll:edit", fields));
    },
    answered("role-forbids"),
  ],
  "making oneself moderator": [
    async (line) => {
      line.send(await line.sign("poll:role:update", { peerId: line.identity.peerId, role: "moderator" }));
    },
    answered("role-forbids"),
  ],
  "making oneself owner": [
    async (line) => line.send(await line.sign("poll:role:update", { peerId: line.identity.peerId, role: "owner" })),
    answered("role-of-owner"),
  ],
  "making the owner a viewer": [
    async (line) => line.send(await line.sign("poll:role:update", { peerId: line.room.ownerPeerId, role: "viewer" })),
    answered("role-of-owner"),
  ],
  "a name with hidden characters": [
    async (line) => line.send(await line.sign("user:profile", { name: "A\u202enn" })),
    cutOff("malformed", "malformed"),
  ],
  "a name that is too long": [
    async (line) => line.send(await line.sign("user:profile", { name: "x".repeat(61) })),
    cutOff("malformed", "malformed"),
  ],
};

for (const [when, attacks] of Object.entries({ "before proving anything": BEFORE_PROOF, "as a member": AS_A_MEMBER })) {
  test(`frames that break the rules ${when}`, async ({ owner, voter, stranger }) => {
    const link = await owner.createPoll(LUNCH);
    await voter.join(link);

    const outcomes: Record<string, Outcome> = {};
    for (const [what, [attack]] of Object.entries(attacks)) {
      await test.step(what, async () => {
        const line = attacks === AS_A_MEMBER ? await stranger.enter(link) : await stranger.dial(link);
        await line.evaluate(attack);
        outcomes[what] = await line.evaluate((connection) => connection.settle());
        await line.evaluate((connection) => connection.close());
      });
    }

    expect(outcomes).toEqual(Object.fromEntries(Object.entries(attacks).map(([what, [, outcome]]) => [what, outcome])));
    await voter.poll.isConnected();
    expect(await voter.wire.received("auth:welcome")).toHaveLength(1);
    await voter.poll.vote("Soup");
    await owner.poll.shown(LUNCH.question);
    await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
    await expect(voter.poll.receipt(2)).toBeVisible();
  });
}

test("the sample client's honest vote is confirmed with a receipt that holds", async ({ owner, stranger }) => {
  const link = await owner.createPoll(LUNCH);
  const line = await stranger.dial(link);
  expect(await line.evaluate((connection) => connection.enter())).toMatchObject({ role: "voter", head: { revision: 1 } });
  expect(await line.evaluate((connection) => connection.give("poll:vote", { choices: [1] }))).toMatchObject({ revision: 2 });
  await line.evaluate((connection) => connection.give("user:profile", { name: "Zoë" }));
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
  await expect(owner.poll.person("Zoë")).toContainText("here, voted");
});

test("a command replayed on the same and on a later connection is acked alike and counts once", async ({ owner, stranger }) => {
  const link = await owner.createPoll(LUNCH);
  const line = await stranger.enter(link, 5);
  const [command, ...acks] = await line.evaluate(async (connection) => {
    const command = await connection.sign("poll:vote", { choices: [0] });
    connection.send(command);
    connection.send(command);
    return [command, await connection.next("ack"), await connection.next("ack")];
  });
  await line.evaluate((connection) => connection.close());
  const later = await stranger.enter(link, 5);
  const ack = await later.evaluate((connection, command) => {
    connection.send(command);
    return connection.next("ack");
  }, command);
  expect([...acks, ack]).toEqual([acks[0], acks[0], acks[0]]);
  await owner.poll.shows({ Pizza: 1, Soup: 0 }, { voters: 1 });
});

test("whoever sent what nobody may is let in again after a while, and others at once", async ({ owner, stranger }) => {
  const link = await owner.createPoll(LUNCH);
  const line = await stranger.enter(link, 5);
  await line.evaluate((connection) => connection.sendFrame("no message"));
  expect(await line.evaluate((connection) => connection.settle())).toEqual(cutOff("malformed"));
  await line.evaluate((connection) => connection.close());

  expect(await stranger.getsThrough(link, 5)).toBe(false);
  await stranger.enter(link);
  await expect.poll(() => stranger.getsThrough(link, 5), { timeout: LET_IN_AGAIN_MS }).toBe(true);
});

test("a command id used again for something else is refused", async ({ owner, stranger }) => {
  const line = await stranger.enter(await owner.createPoll(LUNCH));
  const outcome = await line.evaluate(async (connection) => {
    const { commandId } = await connection.give("poll:vote", { choices: [0] });
    connection.send(await connection.sign("poll:vote", { choices: [1] }, commandId));
    return connection.settle();
  });
  expect(outcome).toEqual(answered("id-reused"));
  await owner.poll.shows({ Pizza: 1, Soup: 0 }, { voters: 1 });
});

test("another's vote, overheard and sent again as one's own, is refused", async ({ owner, voter, stranger }) => {
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);
  const line = await stranger.enter(link);
  await voter.poll.vote("Soup");
  const outcome = await line.evaluate(async (connection) => {
    const { entry, ...overheard } = await connection.next("poll:vote");
    connection.send({ type: "poll:vote", payload: overheard });
    return connection.settle();
  });
  expect(outcome).toEqual(answered("bad-signature"));
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
});

test("a viewer's vote is refused, whatever their page lets them press", async ({ owner, stranger }) => {
  const line = await stranger.enter(await owner.createPoll(LUNCH));
  await line.evaluate((connection) => connection.give("user:profile", { name: "Zoë" }));
  await owner.poll.give("Zoë", "Viewer");
  const outcome = await line.evaluate(async (connection) => {
    await connection.next("poll:role:update");
    connection.send(await connection.sign("poll:vote", { choices: [0] }));
    return connection.settle();
  });
  expect(outcome).toEqual(answered("role-forbids"));
  await owner.poll.shows({ Pizza: 0, Soup: 0 }, { voters: 0 });
});

test("a flood of votes is slowed down for its sender alone", async ({ owner, voter, stranger }) => {
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);
  const line = await stranger.enter(link);
  await line.evaluate(async (connection) => {
    for (let vote = 0; vote < 60; vote += 1) {
      connection.send(await connection.sign("poll:vote", { choices: [vote % 2] }));
    }
  });
  await voter.poll.vote("Soup");
  const { errors, isOpen } = await line.evaluate((connection) => connection.settle());
  expect(isOpen).toBe(true);
  expect(new Set(errors)).toEqual(new Set(["too-fast"]));
  await voter.poll.isConnected();
});

test("who goes on sending votes after being told to wait is cut off, and what came in time counts", async ({ owner, voter, stranger }) => {
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);
  const line = await stranger.enter(link, 5);
  const outcome = await line.evaluate(async (connection) => {
    const votes = await Promise.all(Array.from({ length: 500 }, () => connection.sign("poll:vote", { choices: [1] })));
    for (const vote of votes) connection.send(vote);
    return connection.settle();
  });
  expect(outcome.isOpen).toBe(false);
  expect(new Set(outcome.errors)).toEqual(new Set(["too-fast"]));
  expect(outcome.errors.length).toBeGreaterThan(100);
  expect(await stranger.getsThrough(link, 5)).toBe(false);
  await voter.poll.vote("Soup");
  await voter.poll.isConnected();
  await owner.poll.shows({ Pizza: 0, Soup: 2 }, { voters: 2 });
});

test("who opens a channel and says nothing is cut off after ten seconds", async ({ owner, stranger }) => {
  const line = await stranger.dial(await owner.createPoll(LUNCH));
  expect(await line.evaluate((connection) => connection.next("error"))).toMatchObject({ code: "handshake-timeout" });
  await line.evaluate((connection) => connection.closed);
});

test("in the lobby there is nothing to command", async ({ owner, stranger }) => {
  const link = await owner.createPoll({ ...LUNCH, listed: true });
  const line = await stranger.enter(link.slice(0, link.lastIndexOf("/")));
  expect(await line.evaluate((connection) => connection.next("poll:list"))).toMatchObject([{ question: LUNCH.question }]);
  const outcome = await line.evaluate(async (connection) => {
    connection.send(await connection.sign("poll:vote", { choices: [0] }));
    return connection.settle();
  });
  expect(outcome).toEqual(cutOff("out-of-order"));
});

test("whoever holds the owner's peer id without its key is told nothing", async ({ owner, voter, stranger }) => {
  const link = await owner.createPoll(LUNCH);
  await owner.page.close();
  await stranger.impersonate(link);

  await voter.visit(link);
  await expect(voter.poll.connection).toHaveText(/^Reconnecting/);
  const words = "Whoever answered could not prove to be the owner, so nothing was sent to them.";
  await expect(voter.poll.cause(words)).toBeVisible();
  expect(new Set(await stranger.heard())).toEqual(new Set(["auth:hello"]));
});

for (const [code, title, words] of [
  ["unknown-poll", "Joining the poll …", "Whoever answered could not prove to be the owner, so nothing was sent to them."],
  [
    "room-full",
    "The room is full",
    "Whoever answered, the owner or not, said: The room is full: the owner's browser can't hold more connections. This page keeps trying.",
  ],
]) {
  test(`whoever says ${code} under the owner's peer id without its key does not speak for the owner`, async ({ owner, voter, stranger }) => {
    const link = await owner.createPoll(LUNCH);
    await owner.page.close();
    await stranger.impersonate(link, code);

    await voter.visit(link);
    await expect(voter.poll.cause(words)).toBeVisible();
    await expect(voter.poll.connection).toHaveText(/^Reconnecting/);
    await voter.poll.shown(title);
    expect(new Set(await stranger.heard())).toEqual(new Set(["auth:hello"]));
  });
}

test("an owner's proof for one connection does not hold for another", async ({ owner, stranger }) => {
  const line = await stranger.dial(await owner.createPoll(LUNCH));
  const refusal = await line.evaluate(async (connection) => {
    const proof = await connection.greet();
    connection.nonce = window.peerpoll.randomBytes(32);
    return connection.proof(proof).then(
      () => "accepted",
      (error: Error) => error.message,
    );
  });
  expect(refusal).toBe("the owner's proof does not hold for this connection");
});
