// A participant's connection to an owner, over PeerJS.

import { randomBytes, toBase64url } from "./bytes.mjs";
import { fingerprint, prove, VERSION } from "./handshake.mjs";
import { isHeadOf, isReceiptFor, signCommand } from "./command.mjs";

const RAW = "raw";

/** Resolves at the first event `name` of a PeerJS object; rejects at its error. */
function until(emitter, name) {
  return new Promise((resolve, reject) => {
    emitter.once(name, resolve);
    emitter.once("error", reject);
  });
}

/**
 * Resolves once the answer to our offer is applied: the channel has been seen to open before that, and without the other
 * end's description there is nothing to prove.
 */
function whenNegotiated(peerConnection) {
  return new Promise((resolve) => {
    const look = () => {
      if (peerConnection.signalingState !== "stable") return;
      peerConnection.removeEventListener("signalingstatechange", look);
      resolve();
    };
    peerConnection.addEventListener("signalingstatechange", look);
    look();
  });
}

export class Connection {
  #peer;
  #link;
  #unread = [];
  #readers = new Set();

  /** Every message that has come, oldest first. */
  received = [];

  /** How the browser explains a channel that broke; one that the owner closed in good order needs no explanation. */
  failure = undefined;

  constructor(peer, link, room, identity) {
    this.#peer = peer;
    this.#link = link;
    this.room = room;
    this.identity = identity;
    this.isOpen = true;
    this.closed = new Promise((resolve) => {
      link.once("close", () => {
        this.isOpen = false;
        resolve();
        this.#wake();
      });
    });
    link.dataChannel.addEventListener("error", ({ error }) => {
      this.failure = error.message;
    });
    link.on("data", (frame) => {
      const messages = [JSON.parse(frame)].flat();
      // An owner drops whoever is silent for 15 s.
      for (const { type } of messages) if (type === "ping") this.send({ type: "pong", payload: {} });
      this.received.push(...messages);
      this.#unread.push(...messages);
      this.#wake();
    });
  }

  /** Finds the owner of `room` through PeerServer and opens a channel, unless `signal` is aborted first. Nothing is proved yet. */
  static async dial({ Peer, signalling, iceServers = [], room, identity, signal }) {
    const { token, peerId } = identity;
    const peer = new Peer(peerId, { ...signalling, token, config: { iceServers }, debug: 0 });
    const failed = until(peer, "error").then((error) => Promise.reject(error));
    const aborted = new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason), { once: true }));
    const open = async () => {
      await until(peer, "open");
      const link = peer.connect(room.ownerPeerId, { reliable: true, serialization: RAW });
      await until(link, "open");
      const closed = until(link, "close").then(() => Promise.reject(new Error("closed before the answer was applied")));
      await Promise.race([whenNegotiated(link.peerConnection), closed]);
      return new Connection(peer, link, room, identity);
    };
    try {
      return await Promise.race([open(), failed, aborted]);
    } catch (error) {
      peer.destroy();
      throw error;
    }
  }

  send(message) {
    this.sendFrame(JSON.stringify(message));
  }

  /** A frame as it is, whatever it holds. A channel that is closing takes none, and once it is closed there is none. */
  sendFrame(frame) {
    const { dataChannel } = this.#link;
    if (dataChannel?.readyState === "open") dataChannel.send(frame);
  }

  /** The next message of one type; others stay unread. `undefined` when the connection ends before it comes. */
  async next(type) {
    for (;;) {
      const at = this.#unread.findIndex((message) => message.type === type);
      if (at >= 0) return this.#unread.splice(at, 1)[0].payload;
      if (!this.isOpen) return undefined;
      await new Promise((resolve) => this.#readers.add(resolve));
    }
  }

  /** Says hello and takes the owner's proof. */
  async greet() {
    this.nonce = randomBytes(32);
    this.send({ type: "auth:hello", payload: { version: VERSION, nonce: toBase64url(this.nonce) } });
    return this.next("auth:owner");
  }

  /** Our own proof, the payload of `auth:participant`, once the owner's was checked. */
  proof(ownerProof, identity = this.identity) {
    const { localDescription, remoteDescription } = this.#link.peerConnection;
    return prove({
      proof: ownerProof,
      participant: { fingerprint: fingerprint(localDescription.sdp), nonce: this.nonce, peerId: this.#peer.id },
      owner: { fingerprint: fingerprint(remoteDescription.sdp), peerId: this.room.ownerPeerId },
      room: this.room,
      identity,
    });
  }

  /**
   * The whole handshake; returns the payload of `auth:welcome`, `undefined` when the connection ends before it. In the
   * lobby there is no head to check.
   */
  async enter() {
    const ownerProof = await this.greet();
    if (ownerProof === undefined) return undefined;
    this.send({ type: "auth:participant", payload: await this.proof(ownerProof) });
    const welcome = await this.next("auth:welcome");
    if (welcome?.head !== undefined && !(await isHeadOf(welcome.head, this.room))) throw new Error("the head does not hold");
    return welcome;
  }

  /** The same for whom the owner has no reason to turn away: rejects with what has come instead of a welcome. */
  async mustEnter() {
    const welcome = await this.enter();
    if (welcome !== undefined) return welcome;
    throw new Error(`not let in: ${JSON.stringify({ received: this.received, failure: this.failure })}`);
  }

  sign(type, fields, commandId) {
    return signCommand(this.identity, this.room, type, fields, commandId);
  }

  /** Sends a command and waits for its ack, whose receipt must hold. */
  async give(type, fields) {
    const command = await this.sign(type, fields);
    this.send(command);
    const ack = await this.next("ack");
    if (!(await isReceiptFor(ack.receipt, this.room, this.identity.publicKey, command))) {
      throw new Error("the owner's receipt does not hold");
    }
    return ack;
  }

  /**
   * Waits until everything sent before was dealt with: a pong follows all answers to it. Returns the error codes that
   * have come, and whether the connection still stands.
   */
  async settle() {
    this.send({ type: "ping", payload: {} });
    await this.next("pong");
    const errors = this.received.filter(({ type }) => type === "error").map(({ payload }) => payload.code);
    return { errors, isOpen: this.isOpen };
  }

  close() {
    this.#link.close();
    this.#peer.destroy();
  }

  #wake() {
    for (const reader of this.#readers) reader();
    this.#readers.clear();
  }
}
