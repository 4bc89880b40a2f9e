// `cargo xtask bench`: how long a vote takes from click to confirmed, against the least that its promises cost, and
// what the first load weighs; and what a hostile participant can do to somebody else's votes. All in one run, in browsers with
// profiles on disk, so that commits are real. Fails when a flood makes somebody else's votes too slow.
//
// The floor of a vote: two strict IndexedDB commits one after the other (outbox, log) and one echo of a message as
// long as a vote over PeerJS, with nothing else around them.

import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { brotliCompressSync } from "node:zlib";

import { startPage } from "../../signalling/serve.mjs";
import { measureFloods, RATIO_MAX } from "./flood.mjs";
import { ms, pause, quantile, room, voteSample, withProfile } from "./vote.mjs";

const DIST = process.env.PEERPOLL_DIST ?? "dist";
const WARM_UP = 10;
const SAMPLES = 100;
/** Bytes of a vote's frame. */
const VOTE_BYTES = 240;

/** A page with PeerJS, a database, and nothing of ours. */
async function barePage(context, server, peerjs) {
  const page = await context.newPage();
  // Any document of the same origin will do, and this one runs no script.
  await page.goto(new URL("config.json", server.url).href);
  await page.addScriptTag({ url: new URL(peerjs, server.url).href });
  await page.evaluate(async () => {
    const open = indexedDB.open("bench", 1);
    open.onupgradeneeded = () => open.result.createObjectStore("rows");
    await new Promise((resolve, reject) => ((open.onsuccess = resolve), (open.onerror = reject)));
    globalThis.commit = (key, value) =>
      new Promise((resolve, reject) => {
        const transaction = open.result.transaction("rows", "readwrite", { durability: "strict" });
        transaction.objectStore("rows").put(value, key);
        transaction.oncomplete = resolve;
        transaction.onabort = reject;
      });
    globalThis.peer = (id) => {
      const { hostname, port } = location;
      const options = { host: hostname, port: Number(port), path: "/signal", secure: false, config: { iceServers: [] } };
      return new Promise((resolve, reject) => {
        const made = new Peer(id, options);
        made.on("open", () => resolve(made));
        made.on("error", reject);
      });
    };
  });
  return page;
}

async function floorPages(ownerContext, voterContext, server, peerjs) {
  const echo = await barePage(ownerContext, server, peerjs);
  await echo.evaluate(async () => {
    (await peer("bench-echo")).on("connection", (link) => link.on("data", (text) => link.send(text)));
  });
  const floor = await barePage(voterContext, server, peerjs);
  await floor.evaluate(async () => {
    const link = (await peer("bench-floor")).connect("bench-echo", { reliable: true, serialization: "raw" });
    await new Promise((resolve) => link.on("open", resolve));
    globalThis.echo = (text) => {
      const back = new Promise((resolve) => link.once("data", resolve));
      link.send(text);
      return back;
    };
  });
  return floor;
}

const floorSample = (page, n) =>
  page.evaluate(
    async ([n, bytes]) => {
      const text = "x".repeat(bytes);
      const from = performance.now();
      await commit(n, text);
      await commit(-n, text);
      await echo(text);
      return performance.now() - from;
    },
    [n + 1, VOTE_BYTES],
  );

async function latency(server, peerjs) {
  return withProfile((ownerContext) =>
    withProfile(async (voterContext) => {
      const floor = await floorPages(ownerContext, voterContext, server, peerjs);
      const { voter } = await room(ownerContext, voterContext, server);
      const samples = { floor: [], vote: [] };
      for (let n = 0; n < WARM_UP + SAMPLES; n += 1) {
        await floor.bringToFront();
        const floorMs = await floorSample(floor, n);
        await voter.bringToFront();
        await pause(voter);
        const voteMs = await voteSample(voter, n);
        if (n >= WARM_UP) {
          samples.floor.push(floorMs);
          samples.vote.push(voteMs);
        }
      }
      return samples;
    }),
  );
}

/** What a browser fetches to show the first page, compressed as a good host does. */
async function firstLoad() {
  const kinds = {};
  for (const name of await readdir(DIST)) {
    const kind = extname(name).slice(1);
    if (name === "404.html" || !["html", "js", "css", "wasm", "json", "svg"].includes(kind)) continue;
    const bytes = brotliCompressSync(await readFile(join(DIST, name))).length;
    kinds[kind] = (kinds[kind] ?? 0) + bytes;
  }
  return kinds;
}

/** Both quantiles, and how often they hold those of other votes. */
function inWords(votes, others) {
  const ratio = (name) => (others === undefined ? "" : `  ratio ${(votes[name] / others[name]).toFixed(2)}`);
  return ["median", "p95"].map((name) => `${name} ${ms(votes[name])}${ratio(name)}`).join("   ");
}

const server = await startPage({ dist: DIST, port: 0 });
try {
  const peerjs = (await readdir(DIST)).find((name) => name.startsWith("peerjs"));
  const { floor, vote } = await latency(server, peerjs);
  console.log(`(a) vote, click to confirmed, ${SAMPLES} samples`);
  for (const [name, q] of [["median", 0.5], ["p95", 0.95]]) {
    const [low, high] = [quantile(floor, q), quantile(vote, q)];
    console.log(`    ${name.padEnd(6)}  floor ${ms(low)}  vote ${ms(high)}  ratio ${(high / low).toFixed(2)}`);
  }
  const kinds = await firstLoad();
  const total = Object.values(kinds).reduce((sum, bytes) => sum + bytes, 0);
  console.log("(b) first load, brotli");
  for (const [kind, bytes] of Object.entries(kinds)) console.log(`    ${kind.padEnd(6)} ${(bytes / 1000).toFixed(1)} kB`);
  console.log(`    total  ${(total / 1000).toFixed(1)} kB, ${(total / 220_000).toFixed(2)} of 220 kB`);
  console.log(`(c) vote while somebody floods the owner, against the one before, of which ${RATIO_MAX} is allowed for the median`);
  for (const { name, usual, here, elsewhere, fault } of await measureFloods(server)) {
    console.log(`    ${name}${fault === undefined ? "" : `: ${fault.toUpperCase()}`}`);
    console.log(`        usual                         ${inWords(usual)}`);
    console.log(`        its owner flooded             ${inWords(here, usual)}`);
    console.log(`        another poll's owner flooded  ${inWords(elsewhere, usual)}`);
    for (const [whose, { sent, arrived }] of Object.entries({ its: here, "another poll's": elsewhere })) {
      const parts = ["frames", "connections"].map((what) => `${arrived[what]} of ${sent[what]} ${what}`);
      console.log(`        arrived at ${whose} owner: ${parts.join(", ")}`);
    }
    if (fault !== undefined) process.exitCode = 1;
  }
} finally {
  await server.close();
}
