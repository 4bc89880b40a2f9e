// Somebody whom the signalling server puts between a participant and an owner: two connections, each with a certificate of
// the middleman's own, and what comes over one goes out over the other.

import type { Page } from "@playwright/test";

import { fingerprintIn, type Forge, forged, named, namedForSession } from "./descriptions";
import type { Frame } from "./hostile";
import type { PeerServer } from "./site";

const ID = "middleman";

/** What the owner is told: the participant's own words, or a hello of the middleman's, for a proof to pass off later. */
export type Manner = "relay" | "replay";

/** Lines that name the middleman's own certificate. */
type OwnNames = { sha256: string; sha1: string };

/** What a description of the middleman's says, given the line in which whoever it poses as names their certificate. */
export type Naming = (own: OwnNames, theirs: string) => Forge;

/** Its descriptions name the certificate that the other end expects, and its own, so that the channel may open. */
export const NAMINGS = {
  "the other's certificate before its own": (_, theirs) => named(`${theirs}$&`),
  "the other's certificate behind its own": (_, theirs) => named(`$&${theirs}`),
  "the other's certificate for the whole session": (_, theirs) => namedForSession(theirs),
  "its own certificate for the whole session alone": ({ sha256 }, theirs) => (sdp) =>
    namedForSession(sha256)(named(theirs)(sdp)),
  "its own certificate by SHA-1 before the other's": ({ sha1 }, theirs) => named(sha1 + theirs),
  "its own certificate by SHA-1 behind the other's": ({ sha1 }, theirs) => named(theirs + sha1),
  "its own certificate by SHA-1 for the whole session": ({ sha1 }, theirs) => (sdp) =>
    namedForSession(sha1)(named(theirs)(sdp)),
  "its own certificate by SHA-1, the other's for the whole session": ({ sha1 }, theirs) => (sdp) =>
    namedForSession(theirs)(named(sha1)(sdp)),
} satisfies Record<string, Naming>;

export class Middleman {
  private victimId: string | undefined;
  /** How the victim, and the owner whom it dialled last, name their certificates. */
  private victimName = "";
  private ownerName: string | undefined;
  /** What is for the victim, until the owner's name is known. */
  private held: Frame[] = [];

  private constructor(
    private readonly page: Page,
    private readonly ownerId: string,
    private readonly own: OwnNames,
    private readonly naming?: Naming,
  ) {}

  /** Takes a place at PeerServer under an id of its own, in a page that holds the sample client. */
  static async in(
    page: Page,
    { host, port, path, key }: PeerServer,
    ownerId: string,
    manner: Manner,
    naming?: Naming,
  ): Promise<Middleman> {
    const signalling = { host, port, path, key, secure: false };
    const own = await page.evaluate(stepBetween, { id: ID, ownerId, manner, signalling });
    return new Middleman(page, ownerId, own, naming);
  }

  /** A server's rule: leads whoever dials the owner first into the middleman's hands. To either end it looks like the other. */
  readonly lure = (frame: Frame): Frame[] => {
    if (frame.dst === this.ownerId && frame.src !== ID) this.victimId ??= frame.src;
    const { victimId, ownerId } = this;
    if (victimId === undefined) return [frame];
    if (frame.src === ID) return frame.dst === ownerId ? this.toOwner(frame, victimId) : this.toVictim(frame);
    const isBetweenThem = [frame.src, frame.dst].every((id) => id === victimId || id === ownerId);
    if (!isBetweenThem) return [frame];
    const caught = { ...frame, dst: ID };
    if (frame.type === "OFFER") {
      this.victimName = fingerprintIn(frame);
      this.ownerName = undefined;
      this.held = [];
    }
    if (frame.type !== "ANSWER") return [caught];
    this.ownerName = fingerprintIn(frame);
    return [caught, ...this.held.splice(0).flatMap((frame) => this.toVictim(frame))];
  };

  private toOwner(frame: Frame, victimId: string): Frame[] {
    const { naming, own, victimName } = this;
    const isNamed = naming !== undefined && frame.type === "OFFER";
    return [{ ...(isNamed ? forged(frame, naming(own, victimName)) : frame), src: victimId }];
  }

  private toVictim(frame: Frame): Frame[] {
    const { naming, own, ownerName } = this;
    if (naming !== undefined && ownerName === undefined) {
      this.held.push(frame);
      return [];
    }
    const isNamed = naming !== undefined && ownerName !== undefined && frame.type === "ANSWER";
    return [{ ...(isNamed ? forged(frame, naming(own, ownerName)) : frame), src: this.ownerId }];
  }

  /** The types of the messages that went through its hands. */
  heard(): Promise<string[]> {
    return this.page.evaluate(() => window.heard);
  }
}

type Wishes = { id: string; ownerId: string; manner: Manner; signalling: object };

/** Runs in the page. Returns how it names its certificate, which is the same towards either end. */
async function stepBetween({ id, ownerId, manner, signalling }: Wishes): Promise<OwnNames> {
  const { randomBytes, toBase64url, toHex, VERSION } = window.peerpoll;
  const ownHello = JSON.stringify({ type: "auth:hello", payload: { version: VERSION, nonce: toBase64url(randomBytes(32)) } });
  const certificate = await RTCPeerConnection.generateCertificate({ name: "ECDSA", namedCurve: "P-256" } as EcKeyGenParams);
  window.heard = [];
  const listen = (frame: unknown): string => {
    window.heard.push(...[JSON.parse(String(frame))].flat().map(({ type }) => type));
    return String(frame);
  };
  const config = { iceServers: [], certificates: [certificate] };
  const peer = new window.Peer(id, { ...signalling, token: "middleman", config });
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

  /** A certificate's bytes are told to the other end of a connection alone, which is why there is one to itself. */
  const bytes = async (): Promise<ArrayBuffer> => {
    const [shown, seeing] = [new RTCPeerConnection(config), new RTCPeerConnection()];
    const described = async (end: RTCPeerConnection): Promise<RTCSessionDescription> => {
      const gathered = new Promise<void>((resolve) => {
        end.onicegatheringstatechange = () => end.iceGatheringState === "complete" && resolve();
      });
      await end.setLocalDescription();
      await gathered;
      return end.localDescription as RTCSessionDescription;
    };
    const channel = shown.createDataChannel("");
    const opened = new Promise((resolve) => channel.addEventListener("open", resolve));
    await seeing.setRemoteDescription(await described(shown));
    await shown.setRemoteDescription(await described(seeing));
    await opened;
    const [seen] = seeing.sctp?.transport.getRemoteCertificates() ?? [];
    for (const end of [shown, seeing]) end.close();
    return seen;
  };
  const der = await bytes();
  const name = async (algorithm: "SHA-256" | "SHA-1"): Promise<string> => {
    const digest = toHex(new Uint8Array(await crypto.subtle.digest(algorithm, der)));
    return `a=fingerprint:${algorithm.toLowerCase()} ${digest.toUpperCase().match(/../g)?.join(":")}\r\n`;
  };
  return { sha256: await name("SHA-256"), sha1: await name("SHA-1") };
}
