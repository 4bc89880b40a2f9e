// What somebody hostile can do to another participant's votes: the owner is flooded, and the honest vote's latency is
// held against what it was just before. The same flood against somebody else's poll in another browser tells what of it is
// the machine, which all of them share here. How much of it got as far as an owner's page is counted there.

import { startClient } from "../client/serve.mjs";
import { createPoll, pause, quantile, room, voteSample, withProfile } from "./vote.mjs";

const WARM_UP = 5;
const SAMPLES = 30;
/** How much slower somebody else's vote may become. */
export const RATIO_MAX = 2;

/** Frames at once, and how long until the next. Whoever reconnects does so as soon as it is told off. */
const FLOODS = {
  "votes, 5 a second": { kind: "vote", frames: 1, everyMs: 200 },
  "votes, 500 a second": { kind: "vote", frames: 10, everyMs: 20 },
  "malformed, reconnecting": { kind: "malformed", frames: 1, everyMs: 5 },
  "15 kB nested too deep, reconnecting": { kind: "deep", frames: 1, everyMs: 5 },
  "200 kB, reconnecting": { kind: "oversized", frames: 1, everyMs: 5 },
  "malformed, reconnecting as somebody else": { kind: "malformed", frames: 1, everyMs: 5, manyKeys: true },
};

/** Runs in the page of the sample client, until `window.flooding` is taken back. */
async function flood({ link, signalling, kind, frames, everyMs, manyKeys = false }) {
  const PATIENCE_MS = 1_000;
  const { Connection, Identity, parseLink } = window.peerpoll;
  const [room, own] = [await parseLink(link), await Identity.fromSeed()];
  const dial = async () => {
    const [identity, signal] = [manyKeys ? await Identity.fromSeed() : own, AbortSignal.timeout(PATIENCE_MS)];
    return Connection.dial({ Peer, signalling, room, identity, signal }).catch(() => undefined);
  };
  const enter = async () => {
    let connection;
    while (window.flooding && connection === undefined) connection = await dial();
    await connection?.enter();
    return connection;
  };
  window.flooding = true;
  let connection = await enter();
  const vote = JSON.stringify(await connection.sign("poll:vote", { choices: [0] }));
  const make = {
    vote: async (turn) => JSON.stringify(await connection.sign("poll:vote", { choices: [turn % 2] })),
    malformed: (turn) => vote.slice(0, 1 + (turn % (vote.length - 1))),
    deep: () => "[".repeat(7_500) + "]".repeat(7_500),
    oversized: () => "x".repeat(200_000),
  }[kind];
  const isCutOff = () =>
    !connection.isOpen || connection.received.some(({ type, payload }) => type === "error" && payload.commandId === undefined);
  window.sent = 0;
  window.connections = 1;
  const run = async () => {
    while (window.flooding) {
      if (isCutOff()) {
        connection.close();
        const next = await enter();
        if (next === undefined) return;
        connection = next;
        window.connections += 1;
      }
      for (let frame = 0; frame < frames; frame += 1) connection.sendFrame(await make((window.sent += 1)));
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
    connection.close();
  };
  window.flood = run();
}

/** Runs in an owner's page, before its own scripts: counts what comes, channel by channel. */
function countArrivals() {
  const EVERYBODYS = /^\{"type":"(auth:\w+|ping|pong)"/;
  window.channels = [];
  const meet = ({ channel }) => {
    const arrived = { frames: 0 };
    window.channels.push(arrived);
    channel.addEventListener("message", ({ data }) => {
      if (!EVERYBODYS.test(data)) arrived.frames += 1;
    });
  };
  window.RTCPeerConnection = new Proxy(RTCPeerConnection, {
    construct(target, args, newTarget) {
      const connection = Reflect.construct(target, args, newTarget);
      connection.addEventListener("datachannel", meet);
      return connection;
    },
  });
}

async function honestVotes(voter) {
  const samples = [];
  for (let n = 0; n < WARM_UP + SAMPLES; n += 1) {
    await pause(voter);
    const took = await voteSample(voter, n);
    if (n >= WARM_UP) samples.push(took);
  }
  return { median: quantile(samples, 0.5), p95: quantile(samples, 0.95) };
}

/** While `flooder` floods the owner of `link`. Whoever has come to that owner's page since then is the flooder. */
async function underFlood(voter, flooder, owner, options) {
  const before = await owner.evaluate(() => window.channels.length);
  await flooder.evaluate(flood, options);
  const honest = await honestVotes(voter);
  const sent = await flooder.evaluate(async () => {
    window.flooding = false;
    await window.flood;
    return { frames: window.sent, connections: window.connections };
  });
  const arrived = await owner.evaluate((before) => {
    const channels = window.channels.slice(before);
    return { frames: channels.reduce((sum, { frames }) => sum + frames, 0), connections: channels.length };
  }, before);
  return { ...honest, sent, arrived };
}

/**
 * What is wrong, if anything. One participant who floods makes nobody else's votes more than twice as slow. Whoever makes a new key
 * for every connection is as many participants: what they cost is held against what they cost this machine anyway.
 */
function faultOf({ manyKeys = false }, { usual, here, elsewhere }) {
  if ([here, elsewhere].some(({ arrived }) => arrived.frames === 0)) return "nothing arrived";
  // Less than usual is no measure of the flood, but of a machine that was busier before.
  const allowed = manyKeys ? Math.max(usual.median, elsewhere.median) : usual.median;
  return here.median > RATIO_MAX * allowed ? "too slow" : undefined;
}

/** Each flood's name with what it made of the honest votes, and what is wrong with that. */
export async function measureFloods(server) {
  const client = await startClient();
  const signalling = { host: "127.0.0.1", port: server.port, path: "/signal", key: "peerjs", secure: false };
  try {
    return await withProfile((ownerContext) =>
      withProfile((voterContext) =>
        withProfile((otherContext) =>
          withProfile(async (floodContext) => {
            for (const context of [ownerContext, otherContext]) await context.addInitScript(countArrivals);
            const { owner, link, voter } = await room(ownerContext, voterContext, server);
            const other = await createPoll(otherContext, server);
            await voter.bringToFront();
            const flooder = await floodContext.newPage();
            await flooder.goto(client.url);
            await flooder.waitForFunction(() => window.peerpoll !== undefined);
            const results = [];
            for (const [name, flood] of Object.entries(FLOODS)) {
              const usual = await honestVotes(voter);
              const here = await underFlood(voter, flooder, owner, { link, signalling, ...flood });
              const elsewhere = await underFlood(voter, flooder, other.owner, { link: other.link, signalling, ...flood });
              const votes = { usual, here, elsewhere };
              results.push({ name, ...votes, fault: faultOf(flood, votes) });
            }
            return results;
          }),
        ),
      ),
    );
  } finally {
    await client.close();
  }
}
