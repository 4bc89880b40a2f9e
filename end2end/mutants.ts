// Valid signed votes with one thing wrong, and what a hub has to make of each.

import type { Chance } from "./chance";

export type Vote = { type: string; payload: { choices: unknown; commandId: string; signature: string } };

/** A frame, and the error codes that answer it. */
export type Mutant = { frame: string; codes: string[] };

type Mutation = (vote: Vote, chance: Chance) => Mutant;

const HEX = "0123456789abcdef";
const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const LETTERS = "abcdefghijklmnopqrstuvwxyz";
/** Behind them a UUID has its version and its variant. */
const FREE_HEX_DIGITS = 8;

/** Another character of `alphabet` somewhere among the first `end` of `text`. */
function changeOne(text: string, end: number, alphabet: string, chance: Chance): string {
  const at = chance.below(end);
  const others = [...alphabet].filter((other) => other !== text[at]);
  return text.slice(0, at) + others[chance.below(others.length)] + text.slice(at + 1);
}

function withPayload({ type, payload }: Vote, changes: object): string {
  return JSON.stringify({ type, payload: { ...payload, ...changes } });
}

/** Well formed, and yet no vote: answered, and the connection goes on. */
const ANSWERED: Mutation[] = [
  (vote) => ({ frame: withPayload(vote, { choices: [1] }), codes: ["bad-signature"] }),
  (vote) => ({ frame: withPayload(vote, { choices: [] }), codes: ["bad-signature"] }),
  (vote, chance) => {
    const commandId = changeOne(vote.payload.commandId, FREE_HEX_DIGITS, HEX, chance);
    return { frame: withPayload(vote, { commandId }), codes: ["bad-signature"] };
  },
  (vote, chance) => {
    // The last of them holds bits that have to be zero.
    const signature = changeOne(vote.payload.signature, vote.payload.signature.length - 1, BASE64URL, chance);
    return { frame: withPayload(vote, { signature }), codes: ["bad-signature"] };
  },
  ({ type, payload }, chance) => {
    const kind = changeOne(type, "poll".length, LETTERS, chance);
    return { frame: JSON.stringify({ type: kind, payload }), codes: ["unknown-type"] };
  },
];

const NO_CHOICES = [[-1], [0.5], [65_536], ["0"], [null], [[0]], 0, "0", null, {}];
const NO_SIGNATURES = [(text: string) => text.slice(1), (text: string) => `${text}==`, (text: string) => ` ${text}`, () => null];
const NO_COMMAND_IDS = [
  (text: string) => text.slice(1),
  (text: string) => `{${text}}`,
  (text: string) => `urn:uuid:${text}`,
  (text: string) => text.replaceAll("-", ""),
  (text: string) => `${text}0`,
  () => 7,
];

/**
 * Not well formed: answered, for the command as well where it can still be told which, and cut off. What is larger than any
 * frame is cut off without a word.
 */
const CUT_OFF: Mutation[] = [
  (vote, chance) => {
    const frame = JSON.stringify(vote);
    return { frame: frame.slice(0, chance.between(1, frame.length)), codes: ["malformed"] };
  },
  (vote) => ({ frame: `${JSON.stringify(vote)}}`, codes: ["malformed"] }),
  (vote) => ({ frame: JSON.stringify(vote).replace("poll:vote", "poll:\u0001vote").replace("\\u0001", "\u0001"), codes: ["malformed"] }),
  ({ payload }) => ({ frame: JSON.stringify({ payload }), codes: ["malformed"] }),
  ({ type }) => ({ frame: JSON.stringify({ type }), codes: ["malformed"] }),
  (vote, chance) => {
    const choices = NO_CHOICES[chance.below(NO_CHOICES.length)];
    return { frame: withPayload(vote, { choices }), codes: ["malformed", "malformed"] };
  },
  (vote, chance) => {
    const signature = NO_SIGNATURES[chance.below(NO_SIGNATURES.length)](vote.payload.signature);
    return { frame: withPayload(vote, { signature }), codes: ["malformed", "malformed"] };
  },
  (vote, chance) => {
    const commandId = NO_COMMAND_IDS[chance.below(NO_COMMAND_IDS.length)](vote.payload.commandId);
    return { frame: withPayload(vote, { commandId }), codes: ["malformed"] };
  },
  (vote, chance) => {
    const depth = chance.between(9, 1_000);
    return { frame: "[".repeat(depth) + JSON.stringify(vote) + "]".repeat(depth), codes: ["too-deep"] };
  },
  (vote) => ({ frame: `[${Array(101).fill(JSON.stringify(vote)).join()}]`, codes: [] }),
];

/** For one connection, as many frames as there are votes, of which only the last ends it. */
export function mutate(votes: Vote[], turn: number, chance: Chance): Mutant[] {
  return votes.map((vote, at) => {
    const kinds = at === votes.length - 1 ? CUT_OFF : ANSWERED;
    return kinds[(turn + at) % kinds.length](vote, chance);
  });
}
