// An owner who proves to be one, and then does what it likes: for what a participant's page must put up with.

import type { Page } from "@playwright/test";
import type { Peer } from "peerjs";

import type * as peerpoll from "./client/index.mjs";
import type { PeerServer } from "./site";

type Link = ReturnType<Peer["connect"]>;

declare global {
  interface Window {
    peerpoll: typeof peerpoll;
    Peer: typeof Peer;
    /** What the rogue says after each welcome. */
    speech: string[];
    /** The types of the messages that participants sent after the handshake. */
    asked: string[];
  }
}

/** A poll's state as an owner would send it, at some revision. */
export type State = {
  id: string;
  owner: string;
  revision: number;
  head: string;
  options: { id: number; label: string; addedBy: string }[];
} & Record<string, unknown>;

export class RogueOwner {
  private constructor(
    private readonly page: Page,
    /** Where its poll is. */
    readonly address: string,
    /** Where one is told which polls it lists. */
    readonly lobby: string,
    /** An honest state of its poll. */
    readonly state: State,
  ) {}

  /** Takes its place at PeerServer, in a page that holds the sample client. */
  static async in(page: Page, { host, port, path, key }: PeerServer): Promise<RogueOwner> {
    const { fragment, state } = await page.evaluate(rule, { host, port, path, key, secure: false });
    return new RogueOwner(page, `poll#${fragment}`, `poll#${state.owner}`, state);
  }

  /** From now on, these frames follow each welcome. */
  async says(...frames: (string | object)[]): Promise<void> {
    const speech = frames.map((frame) => (typeof frame === "string" ? frame : JSON.stringify(frame)));
    await this.page.evaluate((speech) => {
      window.speech = speech;
    }, speech);
  }

  /** The types of all that participants have sent since the handshake. */
  asked(): Promise<string[]> {
    return this.page.evaluate(() => window.asked);
  }
}

/** Runs in the page. Every command is answered with a forged ack. */
async function rule(signalling: object): Promise<{ fragment: string; state: State }> {
  const { fingerprint, fromBase64url, handshakeTranscript, headTranscript, Identity, ownerMessage, randomBytes, toBase64url, toFragment } =
    window.peerpoll;
  const identity = await Identity.fromSeed();
  const pollId = crypto.randomUUID();
  const state: State = {
    id: pollId,
    owner: identity.peerId,
    question: "Who is honest?",
    choice: "single",
    participantsAddOptions: false,
    listed: false,
    open: true,
    options: ["You", "I"].map((label, id) => ({ id, label, addedBy: identity.peerId })),
    roles: {},
    names: {},
    votes: {},
    revision: 2,
    head: toBase64url(randomBytes(32)),
  };
  window.speech = [];
  window.asked = [];

  const serve = (link: Link) => {
    const tell = (type: string, payload: object) => link.send(JSON.stringify({ type, payload }));
    const prove = async (hello: { nonce: string }) => {
      const nonce = randomBytes(32);
      const transcript = handshakeTranscript({
        participant: {
          fingerprint: fingerprint(link.peerConnection.remoteDescription?.sdp ?? ""),
          nonce: fromBase64url(hello.nonce),
          peerId: link.peer,
        },
        owner: { fingerprint: fingerprint(link.peerConnection.localDescription?.sdp ?? ""), nonce, peerId: identity.peerId },
        ownerKey: identity.publicKey,
      });
      const signature = toBase64url(await identity.sign(await ownerMessage(transcript)));
      tell("auth:owner", { nonce: toBase64url(nonce), publicKey: toBase64url(identity.publicKey), signature });
    };
    const welcome = async (asked: { pollId: string }) => {
      const signedHead = asked.pollId === pollId ? await signHead() : undefined;
      tell("auth:welcome", { role: "voter", head: signedHead });
      for (const frame of window.speech) link.send(frame);
    };
    const signHead = async () => {
      const head = { revision: 1, hash: toBase64url(randomBytes(32)), flags: 1, timeMs: Date.now() };
      const room = { ownerKey: identity.publicKey, ownerPeerId: identity.peerId, pollId };
      const signature = toBase64url(await identity.sign(headTranscript(room, head)));
      return { ...head, signature };
    };
    const forgeAck = (commandId: string) => {
      const zero = (length: number) => toBase64url(new Uint8Array(length));
      const receipt = {
        commandId,
        commandHash: zero(32),
        revision: 3,
        entryHash: zero(32),
        timeMs: Date.now(),
        signature: zero(64),
      };
      tell("ack", { commandId, revision: 3, receipt });
    };
    link.on("data", async (frame) => {
      for (const { type, payload } of [JSON.parse(String(frame))].flat()) {
        if (type === "auth:hello") await prove(payload);
        else if (type === "auth:participant") await welcome(payload);
        else window.asked.push(type);
        if (payload.commandId !== undefined) forgeAck(payload.commandId);
      }
    });
  };
  const peer = new window.Peer(identity.peerId, { ...signalling, token: identity.token, config: { iceServers: [] } });
  peer.on("connection", serve);
  await new Promise<void>((resolve) => peer.on("open", () => resolve()));
  return { fragment: await toFragment(identity.publicKey, pollId), state };
}
