// Valid signed votes with one thing wrong, and what a hub has to make of each.

import type { Chance } from "./chance";

export type Vote = { type: string; payload: { choices: unknown; commandId: string; signature: string } };

/** A frame, as text or as that text's bytes, and the error codes that answer it. */
export type Mutant = { frame: string; isBinary?: true; codes: string[] };

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

function oneOf<T>(choices: readonly T[], chance: Chance): T {
  return choices[chance.below(choices.length)];
}

function withPayload({ type, payload }: Vote, changes: object): string {
  return JSON.stringify({ type, payload: { ...payload, ...changes } });
}

/** The frame with its choices, `[0]`, as something that `JSON.stringify` would not write. */
function withChoices(vote: Vote, text: string): string {
  return JSON.stringify(vote).replace('"choices":[0]', `"choices":${text}`);
}

/** Well formed, and yet no vote: answered, and the connection goes on. */
const FALSIFIED: Mutation[] = [
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

const NO_CHOICES = [[-1], [0.5], [65_536], ["0"], [null], [[0]], [[[[[0]]]]], [{}], [true], 0, "0", null, {}, true];
const NO_SIGNATURES = [
  (text: string) => text.slice(1),
  (text: string) => `${text}A`,
  (text: string) => `${text}==`,
  (text: string) => ` ${text}`,
  (text: string) => text.replace(/.$/, "+"),
  () => "",
  () => null,
  (text: string) => [text],
];
const NO_COMMAND_IDS = [
  (text: string) => text.slice(1),
  (text: string) => `{${text}}`,
  (text: string) => `urn:uuid:${text}`,
  (text: string) => text.replaceAll("-", ""),
  (text: string) => `${text}0`,
  (text: string) => text.replace(/^./, "g"),
  () => "",
  () => 7,
  (text: string) => [text],
];
const NO_JSON_NUMBERS = ["NaN", "Infinity", "-Infinity", "undefined", "00", "+0", ".5", "0.", "0x0", "0e", "-", "0n"];
const NO_INDICES = ["1e2", "1e400", "-0.0", "0.0", "18446744073709551616", `1${"0".repeat(400)}`];
const NO_TYPES = [0, null, true, ["poll:vote"], { poll: "vote" }];
const NO_PAYLOADS = [null, 0, "{}", true];
const NO_ESCAPES = ["\\x", "\\u12", "\\ud800", "\\udc00\\ud800", "\\", "\n", "\t", "\u0000", "\u001f"];
const NO_FRAMES = ["", " ", "null", "true", "0", '"poll:vote"', "[]", "[0]", "[null]", "[{}]", "{}", "\ufeff{}", "vote", "'vote'"];
const NO_ENDS = ["}", "]", ",", "0", "{}", "\u0000", ";", "//", "\n{}"];
const NO_BEGINNINGS = ["\ufeff", "\u00a0", "\u000b", "\u0000", ")]}'", "/**/", ",", "0", "]"];
const STRUCTURE = '{}[]":,';

/** Each without what makes it one, beside an id that tells which command it is about. */
const NO_COMMANDS: [type: string, fields: object][] = [
  ["user:profile", { name: 7 }],
  ["user:profile", { name: "A\u202enn" }],
  ["poll:option:add", {}],
  ["poll:option:add", { label: "" }],
  ["poll:role:update", { peerId: "nobody", role: "voter" }],
  ["poll:status", { open: "yes" }],
  ["poll:edit", { question: "Mine?" }],
];

/** Where a character of JSON's own stands. None of a vote's texts holds one but the colon of its type. */
function structureIn(text: string, chance: Chance): number {
  const places = [...text].flatMap((character, at) => (STRUCTURE.includes(character) && text.slice(at - 4, at) !== "poll" ? [at] : []));
  return oneOf(places, chance);
}

const malformed = (frame: string): Mutant => ({ frame, codes: ["malformed"] });
/** It can still be told which command it is about, which is answered besides. */
const malformedCommand = (frame: string): Mutant => ({ frame, codes: ["malformed", "malformed"] });

/** What is not well formed is answered and cut off; what is no text, or larger than any frame, is cut off without a word. */
const MALFORMED: Mutation[] = [
  // Cut off, and worn.
  (vote, chance) => {
    const text = JSON.stringify(vote);
    return malformed(text.slice(0, chance.between(1, text.length)));
  },
  (vote, chance) => {
    const text = JSON.stringify(vote);
    return malformed(text.slice(chance.between(1, text.length)));
  },
  (vote, chance) => {
    const text = JSON.stringify(vote);
    const at = structureIn(text, chance);
    return malformed(text.slice(0, at) + text.slice(at + 1));
  },
  (vote, chance) => {
    const text = JSON.stringify(vote);
    const at = structureIn(text, chance);
    return malformed(text.slice(0, at) + text[at] + text.slice(at));
  },
  // Not JSON.
  (_, chance) => malformed(oneOf(NO_FRAMES, chance)),
  (vote, chance) => malformed(JSON.stringify(vote) + oneOf(NO_ENDS, chance)),
  (vote, chance) => malformed(oneOf(NO_BEGINNINGS, chance) + JSON.stringify(vote)),
  (vote) => malformed(JSON.stringify(vote).repeat(2)),
  (vote) => malformed(JSON.stringify(vote).replaceAll('"', "'")),
  (vote) => malformed(JSON.stringify(vote).replace('"type"', "type")),
  (vote) => malformed(JSON.stringify(vote).replace("}}", "},}")),
  (vote, chance) => malformed(withChoices(vote, `[${oneOf(NO_JSON_NUMBERS, chance)}]`)),
  (vote, chance) => malformed(JSON.stringify(vote).replace("poll:vote", () => `poll:${oneOf(NO_ESCAPES, chance)}vote`)),
  // Not a message.
  ({ payload }) => malformed(JSON.stringify({ payload })),
  ({ type }) => malformed(JSON.stringify({ type })),
  ({ payload }, chance) => malformed(JSON.stringify({ type: oneOf(NO_TYPES, chance), payload })),
  ({ type }, chance) => malformed(JSON.stringify({ type, payload: oneOf(NO_PAYLOADS, chance) })),
  (vote) => malformed(JSON.stringify(vote).replace("{", '{"type":"poll:vote",')),
  (vote) => malformed(JSON.stringify(vote).replace(/\}$/, ',"payload":{}}')),
  (vote) => malformed(`[${JSON.stringify(vote)},0]`),
  () => malformed(JSON.stringify(Array(101).fill({ type: "ping", payload: {} }))),
  // Not a command.
  ({ type, payload: { commandId, signature } }) => malformedCommand(JSON.stringify({ type, payload: { commandId, signature } })),
  ({ type, payload: { choices, commandId } }) => malformedCommand(JSON.stringify({ type, payload: { choices, commandId } })),
  ({ type, payload: { choices, signature } }) => malformed(JSON.stringify({ type, payload: { choices, signature } })),
  (vote, chance) => malformedCommand(withPayload(vote, { choices: oneOf(NO_CHOICES, chance) })),
  (vote, chance) => malformedCommand(withChoices(vote, `[${oneOf(NO_INDICES, chance)}]`)),
  (vote, chance) => {
    const signature = oneOf(NO_SIGNATURES, chance)(vote.payload.signature);
    return malformedCommand(withPayload(vote, { signature }));
  },
  (vote, chance) => {
    const commandId = oneOf(NO_COMMAND_IDS, chance)(vote.payload.commandId);
    return malformed(withPayload(vote, { commandId }));
  },
  (vote) => malformedCommand(withChoices(vote, '[0],"choices":[0]')),
  (vote) => malformed(withChoices(vote, `[0],"commandId":"${vote.payload.commandId}"`)),
  ({ payload: { commandId, signature } }, chance) => {
    const [type, fields] = oneOf(NO_COMMANDS, chance);
    return malformedCommand(JSON.stringify({ type, payload: { ...fields, commandId, signature } }));
  },
  // Not a frame.
  (vote, chance) => {
    const depth = chance.between(9, 1_000);
    return { frame: "[".repeat(depth) + JSON.stringify(vote) + "]".repeat(depth), codes: ["too-deep"] };
  },
  (vote, chance) => {
    const depth = chance.between(9, 1_000);
    return { frame: withChoices(vote, "[".repeat(depth) + "]".repeat(depth)), codes: ["too-deep"] };
  },
  (vote, chance) => ({ frame: JSON.stringify(vote) + "é".repeat(chance.between(7_900, 15_000)), codes: ["frame-too-large"] }),
  (vote, chance) => ({ frame: JSON.stringify(vote) + " ".repeat(chance.between(16_000, 200_000)), codes: [] }),
  (vote) => ({ frame: JSON.stringify(vote), isBinary: true, codes: [] }),
];

/** One falsified frame for each vote. */
export function falsify(votes: Vote[], chance: Chance): Mutant[] {
  return votes.map((vote, at) => FALSIFIED[at % FALSIFIED.length](vote, chance));
}

/** One malformed frame for each vote: as many kinds as there are, each in its turn. */
export function deform(votes: Vote[], chance: Chance): Mutant[] {
  return votes.map((vote, at) => MALFORMED[at % MALFORMED.length](vote, chance));
}
