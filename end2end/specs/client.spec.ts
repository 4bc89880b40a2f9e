// The sample client, written from docs/protocol.md, computes what docs/vectors.json publishes.

import { readFile } from "node:fs/promises";

import { expect, test } from "@playwright/test";

import {
  commandHash,
  commandTranscript,
  fromBase64url,
  fromHex,
  handshakeTranscript,
  Identity,
  isHeadOf,
  isReceiptFor,
  ownerMessage,
  parseLink,
  prove,
  sha256,
  signCommand,
  toBase64url,
  toFragment,
  toHex,
} from "../client/index.mjs";

const vectors = JSON.parse(await readFile(new URL("../../docs/vectors.json", import.meta.url), "utf8"));
const { ids, handshake, vote } = vectors;
const owner = await Identity.fromSeed(fromHex(ids.ownerSeedHex));
const participant = await Identity.fromSeed(fromHex(ids.participantSeedHex));
const room = { ownerKey: owner.publicKey, ownerPeerId: owner.peerId, pollId: ids.pollId };

test("ids and links are as published", async () => {
  expect(toHex(owner.publicKey)).toBe(ids.ownerPublicKeyHex);
  expect(owner.peerId).toBe(ids.ownerPeerId);
  expect(toHex(participant.publicKey)).toBe(ids.participantPublicKeyHex);
  expect(participant.peerId).toBe(ids.participantPeerId);
  expect(await toFragment(owner.publicKey, ids.pollId)).toBe(ids.linkFragment);
  expect(await parseLink(`https://example.org/poll#${ids.linkFragment}`)).toEqual(room);
});

test("the handshake's proofs are as published", async () => {
  const [hello, ownerProof, participantProof] = handshake.messages.map(({ payload }: { payload: object }) => payload);
  const ends = {
    participant: {
      fingerprint: fromHex(handshake.fingerprintParticipantHex),
      nonce: fromBase64url(hello.nonce),
      peerId: participant.peerId,
    },
    owner: {
      fingerprint: fromHex(handshake.fingerprintOwnerHex),
      nonce: fromBase64url(ownerProof.nonce),
      peerId: owner.peerId,
    },
  };
  const transcript = handshakeTranscript({ ...ends, ownerKey: owner.publicKey });
  expect(toBase64url(await owner.sign(await ownerMessage(transcript)))).toBe(ownerProof.signature);
  expect(await prove({ ...ends, proof: ownerProof, room, identity: participant })).toEqual(participantProof);
});

test("a signed vote is as published, and so is what its receipt vouches for", async () => {
  const { type, payload } = vote.message;
  const { choices, commandId } = payload;
  const transcript = await commandTranscript({ type, fields: { choices }, commandId, room, author: participant.publicKey });
  expect(toHex(transcript)).toBe(vote.command.transcriptHex);
  expect(toBase64url(await sha256(transcript))).toBe(vote.command.transcriptSha256);
  expect(await signCommand(participant, room, type, { choices }, commandId)).toEqual(vote.message);
  expect(toBase64url(await commandHash(room, participant.publicKey, vote.message))).toBe(vote.command.commandHash);

  const { receipt } = vote.ack.payload;
  expect(await isReceiptFor(receipt, room, participant.publicKey, vote.message)).toBe(true);
  expect(await isReceiptFor({ ...receipt, revision: 3 }, room, participant.publicKey, vote.message)).toBe(false);
  expect(await isReceiptFor(receipt, room, owner.publicKey, vote.message)).toBe(false);
});

test("a signed head is as published", async () => {
  expect(await isHeadOf(vectors.head, room)).toBe(true);
  expect(await isHeadOf({ ...vectors.head, revision: 1 }, room)).toBe(false);
});
