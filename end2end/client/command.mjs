// Signed commands, the receipts that answer them, and the signed end of a poll's log.

import { areEqual, fromBase64url, toBase64url, Transcript, uuidToBytes } from "./bytes.mjs";
import { fromPeerId, verify } from "./identity.mjs";

const ROLES = ["viewer", "voter", "moderator", "owner"];
const STATUS_ACCEPTED = 1;

/** For each type of command: its number in the transcript, and how its fields are written there. */
const KINDS = {
  "poll:vote": [2, ({ choices }) => choices.reduce((t, id) => t.u16(id), new Transcript().u16(choices.length))],
  "poll:option:add": [3, ({ label }) => new Transcript().lp32Text(label)],
  "poll:role:update": [
    4,
    async ({ peerId, role }) => new Transcript().raw(await fromPeerId(peerId)).u8(ROLES.indexOf(role)),
  ],
  "user:profile": [5, ({ name }) => new Transcript().optionalText(name)],
  "poll:status": [6, ({ open }) => new Transcript().u8(Number(open))],
  "poll:edit": [
    7,
    ({ question, description, participantsAddOptions, listed }) =>
      new Transcript()
        .lp32Text(question)
        .optionalText(description)
        .u8(Number(participantsAddOptions))
        .u8(Number(listed)),
  ],
};

/** The bytes that a command's signature covers. */
export async function commandTranscript({ type, fields, commandId, room, author }) {
  const [kind, write] = KINDS[type];
  return new Transcript("peerpoll/command/v1")
    .raw(uuidToBytes(room.pollId))
    .raw(room.ownerKey)
    .raw(author)
    .raw(uuidToBytes(commandId))
    .u16(kind)
    .lp32((await write(fields)).finish())
    .finish();
}

/** A command as it goes over the wire. */
export async function signCommand(identity, room, type, fields, commandId = crypto.randomUUID()) {
  const transcript = await commandTranscript({ type, fields, commandId, room, author: identity.publicKey });
  const signature = toBase64url(await identity.sign(transcript));
  return { type, payload: { ...fields, commandId, signature } };
}

/** `SHA-256(transcript ‖ signature)`: what a receipt vouches for. */
export async function commandHash(room, author, { type, payload }) {
  const { commandId, signature, ...fields } = payload;
  const transcript = await commandTranscript({ type, fields, commandId, room, author });
  return new Transcript().raw(transcript).raw(fromBase64url(signature)).digest();
}

/** The bytes that the owner signs for an accepted command. */
export function receiptTranscript(room, receipt) {
  return new Transcript("peerpoll/receipt/v1")
    .raw(uuidToBytes(room.pollId))
    .raw(room.ownerKey)
    .raw(uuidToBytes(receipt.commandId))
    .raw(fromBase64url(receipt.commandHash))
    .u8(STATUS_ACCEPTED)
    .u64(receipt.revision)
    .raw(fromBase64url(receipt.entryHash))
    .u64(receipt.timeMs)
    .finish();
}

/** Whether the owner of `room` vouches for exactly this command of `author`. */
export async function isReceiptFor(receipt, room, author, command) {
  return (
    receipt.commandId === command.payload.commandId &&
    areEqual(fromBase64url(receipt.commandHash), await commandHash(room, author, command)) &&
    verify(room.ownerKey, receiptTranscript(room, receipt), fromBase64url(receipt.signature))
  );
}

/** The bytes that the owner signs about the length and the end of a poll's log. */
export function headTranscript(room, head) {
  return new Transcript("peerpoll/head/v1")
    .raw(uuidToBytes(room.pollId))
    .raw(room.ownerKey)
    .u64(head.revision)
    .raw(fromBase64url(head.hash))
    .u8(head.flags)
    .u64(head.timeMs)
    .finish();
}

/** Whether the owner of `room` signed this head. */
export function isHeadOf(head, room) {
  return verify(room.ownerKey, headTranscript(room, head), fromBase64url(head.signature));
}
