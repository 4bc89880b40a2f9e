// A room for a long time: people come and go, vote and change their minds, connections break and signalling restarts.
// In the end the owner's count is what the participants' receipts say; on the way its page's memory is sampled.

import { randomInt } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

import { expect, test } from "../fixtures";
import { countVotes, Ledger, votesIn } from "../kill/ledger";
import { Traps } from "../kill/traps";
import { PEER_SERVER_AWAY } from "../problems";
import type { Site } from "../site";
import { Chance } from "../chance";
import { leastSquares, MemoryProbe, type Sample } from "./memory";
import { Participant } from "./participant";
import { MINUTES, PARTICIPANTS } from "./playwright.config";

const SEED = Number(process.env.PEERPOLL_SOAK_SEED ?? randomInt(2 ** 31));
const MENU = { question: "What do we eat?", options: ["Pizza", "Soup", "Salad", "Cake"] };

const SAMPLES = 60;
/** Voting and mere coming and going take turns, so that what commands take can be told from what time takes. */
const PHASES = 6;
const SIGNALLING_UP_MS = [60_000, 180_000] as const;
const SIGNALLING_DOWN_MS = [1_000, 10_000] as const;

async function restartNowAndThen({ peerServer }: Site, chance: Chance, { signal }: AbortController): Promise<void> {
  for (;;) {
    try {
      await pause(chance.between(...SIGNALLING_UP_MS), undefined, { signal });
    } catch {
      return;
    }
    await peerServer.stop();
    await pause(chance.between(...SIGNALLING_DOWN_MS));
    await peerServer.startAgain();
  }
}

function print({ minutes, commands, heapKb, wasmKb, nodes, listeners }: Sample): void {
  const cells = [minutes.toFixed(1), commands, heapKb.toFixed(0), wasmKb.toFixed(0), nodes, listeners];
  console.log(cells.map((cell) => String(cell).padStart(10)).join(""));
}

function report(samples: Sample[]): void {
  for (const [name, value] of [
    ["JavaScript heap", ({ heapKb }: Sample) => heapKb],
    ["WebAssembly memory", ({ wasmKb }: Sample) => wasmKb],
  ] as const) {
    const values = samples.map(value);
    const [, perMinute] = leastSquares(samples.map(({ minutes }) => [1, minutes]), values);
    const [flat, alone, perCommand] = leastSquares(samples.map(({ minutes, commands }) => [1, minutes, commands]), values);
    console.log(`${name}: ${perMinute.toFixed(2)} kB/min in all`);
    console.log(`    of it ${perCommand.toFixed(3)} kB a command and ${alone.toFixed(2)} kB/min by time alone, on ${flat.toFixed(0)} kB`);
  }
}

test(`${PARTICIPANTS} people in one room for ${MINUTES} minutes`, async ({ site, problems, people, crashable }) => {
  console.log(`seed ${SEED}`);
  problems.expect(PEER_SERVER_AWAY);
  const ledger = new Ledger();
  const owner = await crashable.start("owner");
  const probe = await MemoryProbe.attach(owner.context, owner.page);
  const link = await owner.createPoll(MENU);
  const room: Participant[] = [];
  for (let number = 1; number <= PARTICIPANTS; number += 1) {
    const person = await people.join(`participant ${number}`);
    await Traps.lay(person.context, ledger);
    room.push(await Participant.come(person, link, new Chance(SEED, `participant ${number}`)));
  }

  const start = Date.now();
  const elapsed = () => (Date.now() - start) / 60_000;
  const isVoting = () => Math.floor((elapsed() / MINUTES) * PHASES) % 2 === 0;
  const ending = new AbortController();
  const lives = Promise.all([
    ...room.map((participant) => participant.live(MENU.options, isVoting, ending)),
    restartNowAndThen(site, new Chance(SEED, "signalling"), ending),
  ]);
  const samples: Sample[] = [];
  const sampling = async () => {
    console.log(["minutes", "commands", "heap kB", "wasm kB", "nodes", "listeners"].map((name) => name.padStart(10)).join(""));
    for (let at = 0; at <= SAMPLES; at += 1) {
      await pause(Math.max(0, start + (at * MINUTES * 60_000) / SAMPLES - Date.now()));
      await owner.wire.forget();
      samples.push(await probe.sample(elapsed(), ledger.revision));
      print(samples[at]);
    }
    ending.abort();
  };
  await Promise.all([lives, sampling()]);
  for (const participant of room) await participant.isInStep();
  report(samples);

  const log = await votesIn(owner.page);
  const tallies = ledger.compare(log).filter(({ saved }) => saved > 0);
  for (const tally of tallies) expect(tally).toMatchObject({ acked: tally.saved, lost: 0, unsent: 0, twice: 0 });
  expect(log).toHaveLength(tallies.reduce((sum, { saved }) => sum + saved, 0));
  const { votes, voters } = countVotes(log, MENU.options);
  await owner.poll.shows(votes, { voters });
  for (const participant of room) await participant.shows(votes, voters);
  console.log(`${log.length} votes, all acked, none lost, none counted twice`);
});
