// The two servers behind a test: one for the page, and a PeerServer of its own that can go away and come back.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

import express from "express";

import { listen, stopServer, trackSockets, urlOf } from "../signalling/listen.mjs";
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

/** What the page is told about it. */
function configFor({ host, port, path, key }: PeerServer): object {
  return { signalling: { host, port, path, secure: false, key }, iceServers: [] };
}

export class Site {
  private constructor(
    readonly peerServer: PeerServer,
    private readonly page: Server,
  ) {}

  static async start(peerServer?: PeerServer): Promise<Site> {
    peerServer ??= await PeerServer.start();
    const config = configFor(peerServer);
    const page = await startPage({ dist: DIST, host: HOST, port: 0, signallingPath: null, config });
    return new Site(peerServer, page);
  }

  /** The page on a host that serves files and knows nothing of policies. */
  static async onStaticHost(): Promise<Site> {
    const peerServer = await PeerServer.start();
    const config = configFor(peerServer);
    const app = express();
    app.get("/config.json", (_, response) => void response.json(config));
    app.use(express.static(DIST));
    const server = createServer(app);
    const sockets = trackSockets(server);
    await listen(server, { host: HOST, port: 0 });
    const { port } = server.address() as AddressInfo;
    return new Site(peerServer, { port, url: urlOf(server, "/"), close: () => stopServer(server, sockets) });
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
