// Mutual authentication, bound to the DTLS certificates of this very connection.

import { areEqual, fromBase64url, fromHex, sha256, toBase64url, Transcript, uuidToBytes } from "./bytes.mjs";
import { verify } from "./identity.mjs";

export const VERSION = 1;
const BINDING_DTLS = 1;

/** The one SHA-256 fingerprint of a session description (RFC 8122). */
export function fingerprint(sdp) {
  const lines = [...sdp.matchAll(/^a=fingerprint:(\S+) (\S+)\s*$/gim)];
  const digests = new Set(lines.map(([, , digest]) => digest.toLowerCase()));
  if (digests.size !== 1 || lines.some(([, algorithm]) => algorithm.toLowerCase() !== "sha-256")) {
    throw new Error("not exactly one SHA-256 fingerprint");
  }
  return fromHex([...digests][0].replaceAll(":", ""));
}

/** What both sides know of their connection before anybody proved anything, and the nonces they then exchange. */
export function handshakeTranscript({ participant, owner, ownerKey }) {
  return new Transcript("peerpoll/handshake/v1")
    .u8(BINDING_DTLS)
    .raw(participant.fingerprint)
    .raw(owner.fingerprint)
    .raw(participant.nonce)
    .raw(owner.nonce)
    .lp16Text(participant.peerId)
    .lp16Text(owner.peerId)
    .raw(ownerKey)
    .finish();
}

/** What the owner signs. */
export async function ownerMessage(transcript) {
  return new Transcript("peerpoll/hs-owner/v1").raw(await sha256(transcript)).finish();
}

/** What the participant signs, once the owner's signature was checked. */
export async function participantMessage(transcript, publicKey, ownerSignature, pollId) {
  const digest = await new Transcript().raw(transcript).raw(publicKey).raw(ownerSignature).raw(uuidToBytes(pollId)).digest();
  return new Transcript("peerpoll/hs-peer/v1").raw(digest).finish();
}

/** Checks the payload of `auth:owner` and returns the payload of `auth:participant`. */
export async function prove({ proof, participant, owner, room, identity }) {
  const ownerNonce = fromBase64url(proof.nonce);
  const ownerSignature = fromBase64url(proof.signature);
  if (!areEqual(fromBase64url(proof.publicKey), room.ownerKey)) throw new Error("another key answered");
  if (areEqual(ownerNonce, participant.nonce)) throw new Error("our nonce was sent back");
  const transcript = handshakeTranscript({ participant, owner: { ...owner, nonce: ownerNonce }, ownerKey: room.ownerKey });
  if (!(await verify(room.ownerKey, await ownerMessage(transcript), ownerSignature))) {
    throw new Error("the owner's proof does not hold for this connection");
  }
  const message = await participantMessage(transcript, identity.publicKey, ownerSignature, room.pollId);
  return {
    publicKey: toBase64url(identity.publicKey),
    pollId: room.pollId,
    signature: toBase64url(await identity.sign(message)),
  };
}
