// The two servers behind a test: one for the page, and a PeerServer of its own that can go away and come back.

import { fileURLToPath } from "node:url";

import { startPage } from "../signalling/serve.mjs";
import { startSignalling } from "../signalling/server.mjs";

export const HOST = "127.0.0.1";
const DIST = process.env.PEERPOLL_DIST ?? fileURLToPath(new URL("../dist", import.meta.url));

export type Server = { port: number; url: string; close(): Promise<void> };

/** A PeerServer that keeps its port between stopping and starting. */
export class PeerServer {
  private running: Server | undefined;

  protected constructor(first: Server) {
    this.running = first;
    this.port = first.port;
  }

  readonly port: number;
  readonly host = HOST;
  readonly path = "/signal";
  readonly key = "peerjs";

  static async start(): Promise<PeerServer> {
    return new PeerServer(await startSignalling({ host: HOST, port: 0 }));
  }

  /** Cuts every socket and refuses new ones. */
  async stop(): Promise<void> {
    await this.running?.close();
    this.running = undefined;
  }

  async startAgain(): Promise<void> {
    this.running = await startSignalling({ host: HOST, port: this.port });
  }
}

export class Site {
  private constructor(
    readonly peerServer: PeerServer,
    private readonly page: Server,
  ) {}

  static async start(peerServer?: PeerServer): Promise<Site> {
    peerServer ??= await PeerServer.start();
    const { host, port, path, key } = peerServer;
    const config = { signalling: { host, port, path, secure: false, key }, iceServers: [] };
    const page = await startPage({ dist: DIST, host: HOST, port: 0, signallingPath: null, config });
    return new Site(peerServer, page);
  }

  /** The home page's address; a path goes behind it. */
  url(path = ""): string {
    return `${this.page.url}${path}`;
  }

  async stop(): Promise<void> {
    await this.page.close();
    await this.peerServer.stop();
  }
}
