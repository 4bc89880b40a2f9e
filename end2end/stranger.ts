// Somebody who speaks the protocol without the app, and need not keep to it: the sample client in a page of its own.

import type { Browser, BrowserContext, JSHandle, Page } from "@playwright/test";

import type { Connection } from "./client/connection.mjs";
import type { Identity } from "./client/identity.mjs";
import { startClient } from "./client/serve.mjs";
import { Middleman, type Manner, type Naming } from "./middleman";
import type { Mutant, Vote } from "./mutants";
import { RogueOwner } from "./rogue";
import type { Site } from "./site";

declare global {
  interface Window {
    /** The types of the messages that an impostor was sent. */
    heard: string[];
  }
}

/** One end of a connection to an owner, in the stranger's page. */
export type Line = JSHandle<Connection>;

/** What became of everything that was sent: the error codes that came back, and whether the line still stands. */
export type Outcome = { errors: string[]; isOpen: boolean };

export class Stranger {
  private constructor(
    private readonly site: Site,
    private readonly context: BrowserContext,
    readonly page: Page,
    private readonly stopServing: () => Promise<void>,
  ) {}

  static async come(browser: Browser, site: Site): Promise<Stranger> {
    const client = await startClient();
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(client.url);
    await page.waitForFunction(() => window.peerpoll !== undefined);
    return new Stranger(site, context, page, () => client.close());
  }

  async leave(): Promise<void> {
    await this.context.close();
    await this.stopServing();
  }

  /** Opens a channel to the owner of a poll under a fresh key, or the key of `seed`. Nothing is proved yet. */
  dial(link: string, seed?: number): Promise<Line> {
    const { host, port, path, key } = this.site.peerServer;
    const signalling = { host, port, path, key, secure: false };
    return this.page.evaluateHandle(
      async ({ link, seed, signalling }) => {
        const { Connection, Identity, parseLink } = window.peerpoll;
        const identity = await Identity.fromSeed(seed === undefined ? undefined : new Uint8Array(32).fill(seed));
        return Connection.dial({ Peer: window.Peer, signalling, room: await parseLink(link), identity });
      },
      { link, seed, signalling },
    );
  }

  /** Whether a channel under the key of `seed` opens while one would wait for it. */
  getsThrough(link: string, seed: number): Promise<boolean> {
    const PATIENCE_MS = 2_000;
    const { host, port, path, key } = this.site.peerServer;
    const signalling = { host, port, path, key, secure: false };
    return this.page.evaluate(
      async ({ link, seed, signalling, patienceMs }) => {
        const { Connection, Identity, parseLink } = window.peerpoll;
        const [identity, room] = [await Identity.fromSeed(new Uint8Array(32).fill(seed)), await parseLink(link)];
        const signal = AbortSignal.timeout(patienceMs);
        const isOverdue = (error: unknown): boolean => error instanceof DOMException && error.name === "TimeoutError";
        try {
          await Connection.dial({ Peer: window.Peer, signalling, room, identity, signal });
          return true;
        } catch (error) {
          if (isOverdue(error)) return false;
          throw error;
        }
      },
      { link, seed, signalling, patienceMs: PATIENCE_MS },
    );
  }

  /** Dials and goes through the handshake, as an honest participant does. */
  async enter(link: string, seed?: number): Promise<Line> {
    const line = await this.dial(link, seed);
    await line.evaluate((connection) => connection.enter());
    return line;
  }

  /** Enters so many times, each under a key of its own; one after the other has left, or all to stay. Returns who stayed. */
  enterOften(link: string, times: number, { staying }: { staying: boolean }): Promise<JSHandle<Connection[]>> {
    const { host, port, path, key } = this.site.peerServer;
    return this.page.evaluateHandle(
      async ({ link, times, staying, signalling }) => {
        const { Connection, Identity, parseLink } = window.peerpoll;
        const [room, here] = [await parseLink(link), [] as Connection[]];
        for (let n = 0; n < times; n += 1) {
          const connection = await Connection.dial({ Peer: window.Peer, signalling, room, identity: await Identity.fromSeed() });
          await connection.mustEnter();
          if (staying) here.push(connection);
          else connection.close();
        }
        return here;
      },
      { link, times, staying, signalling: { host, port, path, key, secure: false } },
    );
  }

  /** A vote under each of so many fresh keys, before any of them has been to the owner. */
  async signVotes(link: string, count: number): Promise<{ identities: JSHandle<Identity[]>; votes: Vote[] }> {
    const identities = await this.page.evaluateHandle((count) => {
      const { Identity } = window.peerpoll;
      return Promise.all(Array.from({ length: count }, () => Identity.fromSeed()));
    }, count);
    const votes = await identities.evaluate(async (identities, link) => {
      const { parseLink, signCommand } = window.peerpoll;
      const room = await parseLink(link);
      return Promise.all(identities.map((identity) => signCommand(identity, room, "poll:vote", { choices: [0] })));
    }, link);
    return { identities, votes: votes as Vote[] };
  }

  /** Under one key after the other enters and sends a frame; each leaves once that is dealt with. Returns what became of each. */
  sendOneEach(link: string, identities: JSHandle<Identity[]>, mutants: Mutant[]): Promise<Outcome[]> {
    const { host, port, path, key } = this.site.peerServer;
    return identities.evaluate(
      async (identities, { link, mutants, signalling }) => {
        const { Connection, parseLink } = window.peerpoll;
        const [room, outcomes] = [await parseLink(link), [] as Promise<Outcome>[]];
        const settled = async (connection: Connection): Promise<Outcome> => {
          const outcome = await connection.settle();
          connection.close();
          return outcome;
        };
        for (const [at, identity] of identities.entries()) {
          const { frame, isBinary } = mutants[at];
          const connection = await Connection.dial({ Peer: window.Peer, signalling, room, identity });
          await connection.mustEnter();
          connection.sendFrame(isBinary ? new TextEncoder().encode(frame) : frame);
          // The owner leaves its last word a second to arrive.
          outcomes.push(settled(connection));
        }
        return Promise.all(outcomes);
      },
      { link, mutants, signalling: { host, port, path, key, secure: false } },
    );
  }

  /** A link to another poll of the same owner. */
  otherPoll(link: string, pollId = "12345678-1234-4234-8234-123456789abc"): Promise<string> {
    return this.page.evaluate(
      async ({ link, pollId }) => {
        const { parseLink, toFragment } = window.peerpoll;
        return `${link.slice(0, link.indexOf("#"))}#${await toFragment((await parseLink(link)).ownerKey, pollId)}`;
      },
      { link, pollId },
    );
  }

  /** The link of a poll whose owner has never been anywhere. */
  nobodysPoll(seed: number): Promise<string> {
    return this.page.evaluate(async (seed) => {
      const { Identity, toFragment } = window.peerpoll;
      const { publicKey } = await Identity.fromSeed(new Uint8Array(32).fill(seed));
      return `poll#${await toFragment(publicKey, "12345678-1234-4234-8234-123456789abc")}`;
    }, seed);
  }

  /** Holds an owner's peer id at PeerServer, hears every offer, and answers none. */
  async squat(seed: number): Promise<void> {
    const { host, port, path, key } = this.site.peerServer;
    await this.page.evaluate(
      async ({ seed, address }) => {
        const { peerId } = await window.peerpoll.Identity.fromSeed(new Uint8Array(32).fill(seed));
        const socket = new WebSocket(`${address}&id=${peerId}&token=squatter`);
        await new Promise((resolve) => socket.addEventListener("message", resolve, { once: true }));
      },
      { seed, address: `ws://${host}:${port}${path}/peerjs?key=${key}` },
    );
  }

  /** Becomes an owner itself. */
  rule(): Promise<RogueOwner> {
    return RogueOwner.in(this.page, this.site.peerServer);
  }

  /** Becomes somebody whom a hostile server can put between an owner and a participant. */
  comeBetween(ownerId: string, manner: Manner, naming?: Naming): Promise<Middleman> {
    return Middleman.in(this.page, this.site.peerServer, ownerId, manner, naming);
  }

  /** Takes an owner's place at PeerServer, and answers every hello: with a proof by another key, or with an error of this code. */
  async impersonate(link: string, code?: string): Promise<void> {
    const { host, port, path, key } = this.site.peerServer;
    await this.page.evaluate(
      async ({ link, code, signalling }) => {
        const { Identity, parseLink, randomBytes, toBase64url } = window.peerpoll;
        const room = await parseLink(link);
        const impostor = await Identity.fromSeed();
        const proof = {
          nonce: toBase64url(randomBytes(32)),
          publicKey: toBase64url(room.ownerKey),
          signature: toBase64url(await impostor.sign(randomBytes(32))),
        };
        const error = { type: "error", payload: { code, message: "The owner says no." } };
        const answer = code === undefined ? { type: "auth:owner", payload: proof } : error;
        window.heard = [];
        const peer = new window.Peer(room.ownerPeerId, { ...signalling, token: "impostor", config: { iceServers: [] } });
        peer.on("connection", (connection) => {
          connection.on("data", (frame) => {
            const { type } = JSON.parse(String(frame));
            window.heard.push(type);
            if (type === "auth:hello") connection.send(JSON.stringify(answer));
          });
        });
        await new Promise<void>((resolve) => peer.on("open", () => resolve()));
      },
      { link, code, signalling: { host, port, path, key, secure: false } },
    );
  }

  heard(): Promise<string[]> {
    return this.page.evaluate(() => window.heard);
  }
}
