// What somebody hostile can do to another participant's votes: the owner is flooded, and the honest vote's latency is
// held against what it was just before. The same flood against somebody else's poll in another browser tells what of it is
// the machine, which all of them share here.

import { startClient } from "../client/serve.mjs";
import { createPoll, pause, quantile, room, voteSample, withProfile } from "./vote.mjs";

const WARM_UP = 5;
const SAMPLES = 30;

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

async function honestMedian(voter) {
  const samples = [];
  for (let n = 0; n < WARM_UP + SAMPLES; n += 1) {
    await pause(voter);
    const took = await voteSample(voter, n);
    if (n >= WARM_UP) samples.push(took);
  }
  return quantile(samples, 0.5);
}

/** While `flooder` floods the owner of `link`. */
async function underFlood(voter, flooder, options) {
  await flooder.evaluate(flood, options);
  const medianMs = await honestMedian(voter);
  const { sent, connections } = await flooder.evaluate(async () => {
    window.flooding = false;
    await window.flood;
    return { sent, connections };
  });
  return { medianMs, sent, connections };
}

/** Each flood's name with what it made of the honest votes. */
export async function measureFloods(server) {
  const client = await startClient();
  const signalling = { host: "127.0.0.1", port: server.port, path: "/signal", key: "peerjs", secure: false };
  try {
    return await withProfile((ownerContext) =>
      withProfile((voterContext) =>
        withProfile((otherContext) =>
          withProfile(async (floodContext) => {
            const { link, voter } = await room(ownerContext, voterContext, server);
            const otherLink = await createPoll(otherContext, server);
            await voter.bringToFront();
            const flooder = await floodContext.newPage();
            await flooder.goto(client.url);
            await flooder.waitForFunction(() => window.peerpoll !== undefined);
            const results = [];
            for (const [name, flood] of Object.entries(FLOODS)) {
              const usualMs = await honestMedian(voter);
              const here = await underFlood(voter, flooder, { link, signalling, ...flood });
              const elsewhere = await underFlood(voter, flooder, { link: otherLink, signalling, ...flood });
              results.push({ name, usualMs, ...here, elsewhereMs: elsewhere.medianMs });
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
