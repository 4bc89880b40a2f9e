// Who somebody is: an Ed25519 key, the peer id derived from it, and links that name a poll.

import { areEqual, bytesToUuid, fromBase32, fromBase64url, fromHex, randomBytes, toBase32, Transcript, uuidToBytes } from "./bytes.mjs";

const ED25519 = "Ed25519";
/** PKCS #8 around the 32 bytes of a seed (RFC 8410). */
const PKCS8_PREFIX = fromHex("302e020100300506032b657004220420");
const PEER_ID_VERSION = 1;

/** No poll: who asks for this only wants to know which polls the owner lists. */
export const LOBBY = "00000000-0000-0000-0000-000000000000";

/** A key pair with its peer id, its token at the signalling server, and signing. */
export class Identity {
  #signing;

  constructor(signing, publicKey, peerId, token) {
    this.#signing = signing;
    this.publicKey = publicKey;
    this.peerId = peerId;
    this.token = token;
  }

  /** `seed`: 32 secret bytes (RFC 8032). */
  static async fromSeed(seed = randomBytes(32)) {
    const pkcs8 = new Transcript().raw(PKCS8_PREFIX).raw(seed).finish();
    const signing = await crypto.subtle.importKey("pkcs8", pkcs8, ED25519, true, ["sign"]);
    const { x } = await crypto.subtle.exportKey("jwk", signing);
    const publicKey = fromBase64url(x);
    const token = await new Transcript("peerpoll/signalling-token/v1").raw(seed).digest();
    return new Identity(signing, publicKey, await toPeerId(publicKey), toBase32(token.slice(0, 20)));
  }

  async sign(message) {
    return new Uint8Array(await crypto.subtle.sign(ED25519, this.#signing, message));
  }
}

export async function verify(publicKey, message, signature) {
  const key = await crypto.subtle.importKey("raw", publicKey, ED25519, false, ["verify"]);
  return crypto.subtle.verify(ED25519, key, signature, message);
}

/** `base32(key ‖ check ‖ version)`: 56 characters. */
export async function toPeerId(publicKey) {
  return toBase32(
    new Transcript().raw(publicKey).raw(await peerIdCheck(publicKey)).u8(PEER_ID_VERSION).finish(),
  );
}

export async function fromPeerId(peerId) {
  const bytes = fromBase32(peerId);
  const publicKey = bytes.slice(0, 32);
  if (bytes.length !== 35 || bytes[34] !== PEER_ID_VERSION) throw new Error("no peer id");
  if (!areEqual(bytes.slice(32, 34), await peerIdCheck(publicKey))) throw new Error("a mistyped peer id");
  return publicKey;
}

async function peerIdCheck(publicKey) {
  const digest = await new Transcript("peerpoll/peer-id/v1").raw(publicKey).u8(PEER_ID_VERSION).digest();
  return digest.slice(0, 2);
}

/** Reads a link, or the part of it after `#`: who owns the poll, and which it is. */
export async function parseLink(link) {
  const [peerId, poll] = link.slice(link.lastIndexOf("#") + 1).split("/");
  const ownerKey = await fromPeerId(peerId);
  if (poll === undefined) return { ownerKey, ownerPeerId: peerId, pollId: LOBBY };
  const bytes = fromBase32(poll);
  const pollId = bytes.slice(0, 16);
  if (!areEqual(bytes.slice(16), await pollCheck(ownerKey, pollId))) throw new Error("a mistyped poll");
  return { ownerKey, ownerPeerId: peerId, pollId: bytesToUuid(pollId) };
}

/** The part of a link after `#`. */
export async function toFragment(ownerKey, pollId) {
  const id = uuidToBytes(pollId);
  const poll = new Transcript().raw(id).raw(await pollCheck(ownerKey, id)).finish();
  return `${await toPeerId(ownerKey)}/${toBase32(poll)}`;
}

async function pollCheck(ownerKey, pollId) {
  const digest = await new Transcript("peerpoll/poll-ref/v1").raw(ownerKey).raw(pollId).digest();
  return digest.slice(0, 4);
}
