// What somebody hostile can do to another participant's votes: the owner is flooded, and the honest vote's latency is
// held against what it was just before.

import { startClient } from "../client/serve.mjs";
import { pause, quantile, room, voteSample, withProfile } from "./vote.mjs";

const WARM_UP = 5;
const SAMPLES = 30;

/** Frames at once, and how long until the next. Whoever reconnects does so as soon as it is told off. */
const FLOODS = {
  "votes, 5 a second": { kind: "vote", frames: 1, everyMs: 200 },
  "votes, 500 a second": { kind: "vote", frames: 10, everyMs: 20 },
  "malformed, reconnecting": { kind: "malformed", frames: 1, everyMs: 5 },
  "15 kB nested too deep, reconnecting": { kind: "deep", frames: 1, everyMs: 5 },
  "200 kB, reconnecting": { kind: "oversized", frames: 1, everyMs: 5 },
};

/** Runs in the page of the sample client, until `window.flooding` is taken back. */
async function flood({ link, signalling, kind, frames, everyMs }) {
  const { Connection, Identity, parseLink } = window.peerpoll;
  const [room, identity] = [await parseLink(link), await Identity.fromSeed()];
  const enter = async () => {
    const connection = await Connection.dial({ Peer, signalling, room, identity });
    await connection.enter();
    return connection;
  };
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
  window.flooding = true;
  window.sent = 0;
  window.connections = 1;
  const run = async () => {
    while (window.flooding) {
      if (isCutOff()) {
        connection.close();
        connection = await enter();
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
        withProfile(async (floodContext) => {
          const { link, voter } = await room(ownerContext, voterContext, server);
          const flooder = await floodContext.newPage();
          await flooder.goto(client.url);
          await flooder.waitForFunction(() => window.peerpoll !== undefined);
          const results = [];
          for (const [name, flood] of Object.entries(FLOODS)) {
            const usualMs = await honestMedian(voter);
            const { medianMs, sent, connections } = await underFlood(voter, flooder, { link, signalling, ...flood });
            results.push({ name, sent, connections, usualMs, medianMs });
          }
          return results;
        }),
      ),
    );
  } finally {
    await client.close();
  }
}
