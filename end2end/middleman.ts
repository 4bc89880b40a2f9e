// Somebody whom the signalling server puts between a participant and an owner: two connections, each with a certificate of
// the middleman's own, and what comes over one goes out over the other.

import type { Page } from "@playwright/test";

import type { Frame } from "./hostile";
import type { PeerServer } from "./site";

const ID = "middleman";

/** What the owner is told: the participant's own words, or a hello of the middleman's, for a proof to pass off later. */
export type Manner = "relay" | "replay";

export class Middleman {
  private victimId: string | undefined;

  private constructor(
    private readonly page: Page,
    private readonly ownerId: string,
  ) {}

  /** Takes a place at PeerServer under an id of its own, in a page that holds the sample client. */
  static async in(page: Page, { host, port, path, key }: PeerServer, ownerId: string, manner: Manner): Promise<Middleman> {
    const signalling = { host, port, path, key, secure: false };
    await page.evaluate(stepBetween, { id: ID, ownerId, manner, signalling });
    return new Middleman(page, ownerId);
  }

  /** A server's rule: leads whoever dials the owner first into the middleman's hands. To either end it looks like the other. */
  readonly lure = (frame: Frame): Frame[] => {
    if (frame.dst === this.ownerId && frame.src !== ID) this.victimId ??= frame.src;
    const { victimId, ownerId } = this;
    if (victimId === undefined) return [frame];
    if (frame.src === ID) return [{ ...frame, src: frame.dst === ownerId ? victimId : ownerId }];
    const isBetweenThem = [frame.src, frame.dst].every((id) => id === victimId || id === ownerId);
    return [isBetweenThem ? { ...frame, dst: ID } : frame];
  };

  /** The types of the messages that went through its hands. */
  heard(): Promise<string[]> {
    return this.page.evaluate(() => window.heard);
  }
}

type Wishes = { id: string; ownerId: string; manner: Manner; signalling: object };

/** Runs in the page. */
async function stepBetween({ id, ownerId, manner, signalling }: Wishes): Promise<void> {
  const { randomBytes, toBase64url, VERSION } = window.peerpoll;
  const ownHello = JSON.stringify({ type: "auth:hello", payload: { version: VERSION, nonce: toBase64url(randomBytes(32)) } });
  window.heard = [];
  const listen = (frame: unknown): string => {
    window.heard.push(...[JSON.parse(String(frame))].flat().map(({ type }) => type));
    return String(frame);
  };
  const peer = new window.Peer(id, { ...signalling, token: "middleman", config: { iceServers: [] } });
  peer.on("connection", (participant) => {
    const owner = peer.connect(ownerId, { reliable: true, serialization: "raw" });
    const opened = new Promise<void>((resolve) => owner.on("open", resolve));
    participant.on("data", async (frame) => {
      const heard = listen(frame);
      await opened;
      owner.send(manner === "replay" ? ownHello : heard);
    });
    owner.on("data", (frame) => participant.send(listen(frame)));
  });
  await new Promise<void>((resolve) => peer.on("open", () => resolve()));
}
