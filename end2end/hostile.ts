// A signalling server that does what it likes with what it carries: a PeerServer behind somebody who reads along.

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

import { WebSocket, WebSocketServer } from "ws";

import { listen, stopServer, trackSockets, urlOf } from "../signalling/listen.mjs";
import { startSignalling } from "../signalling/server.mjs";
import { HOST, PeerServer, type Server } from "./site";

/** What PeerServer carries from one client to another. */
export type Frame = {
  type: string;
  src: string;
  dst: string;
  payload: { connectionId: string; sdp: { type: string; sdp: string } };
};

/** What is delivered in the place of a frame, in this order, each to its `dst`. */
export type Rule = (frame: Frame) => Frame[];

/** PeerServer's word to whoever asks for an id that is held. */
export const ID_TAKEN = { type: "ID-TAKEN", payload: { msg: "ID is taken" } };

const HONEST: Rule = (frame) => [frame];

export class HostileServer extends PeerServer {
  private rule = HONEST;
  private isDenied = (_id: string): boolean => false;
  private readonly clients = new Map<string, WebSocket>();
  private readonly seen: Frame[] = [];
  private readonly asked: string[] = [];

  private constructor(
    front: Server,
    private readonly behind: Server,
    doors: WebSocketServer,
  ) {
    super(front);
    doors.on("connection", (socket, request) => this.admit(socket, request));
  }

  static override async start(): Promise<HostileServer> {
    const behind = await startSignalling({ host: HOST, port: 0 });
    const server = createServer();
    const sockets = trackSockets(server);
    const doors = new WebSocketServer({ server });
    await listen(server, { host: HOST, port: 0 });
    const close = async () => {
      await stopServer(server, sockets);
      await behind.close();
    };
    const { port } = server.address() as AddressInfo;
    return new HostileServer({ port, url: urlOf(server, ""), close }, behind, doors);
  }

  /** From now on, this becomes of whatever clients send each other. */
  tamper(rule: Rule): void {
    this.rule = rule;
  }

  /** From now on, whoever asks for such an id is told that somebody else holds it. */
  deny(isDenied: (id: string) => boolean): void {
    this.isDenied = isDenied;
  }

  /** Does what a PeerServer should again. */
  obey(): void {
    this.rule = HONEST;
    this.isDenied = () => false;
  }

  /** Says something to a client, in anybody's name. */
  say(dst: string, frame: unknown): void {
    const socket = this.clients.get(dst);
    if (socket === undefined) throw new Error(`${dst} is not here`);
    socket.send(JSON.stringify(frame));
  }

  deliver(frames: Frame[]): void {
    for (const frame of frames) this.clients.get(frame.dst)?.send(JSON.stringify(frame));
  }

  /** What clients have sent each other so far, as they sent it. */
  carried(type: string): Frame[] {
    return this.seen.filter((frame) => frame.type === type);
  }

  /** The ids that were asked for so far, once for each time. */
  idsAsked(): string[] {
    return [...this.asked];
  }

  private admit(client: WebSocket, { url = "" }: IncomingMessage): void {
    const id = new URL(url, this.behind.url).searchParams.get("id") ?? "";
    this.asked.push(id);
    if (this.isDenied(id)) {
      client.send(JSON.stringify(ID_TAKEN));
      client.close();
      return;
    }
    const honest = new WebSocket(new URL(url, this.behind.url.replace("http:", "ws:")));
    const early: string[] = [];
    client.on("message", (data) => {
      if (honest.readyState === WebSocket.CONNECTING) early.push(String(data));
      else if (honest.readyState === WebSocket.OPEN) honest.send(String(data));
    });
    honest.on("open", () => early.forEach((data) => honest.send(data)));
    honest.on("message", (data) => this.carry(id, client, JSON.parse(String(data))));
    honest.on("close", () => client.close());
    honest.on("error", () => client.close());
    client.on("close", () => {
      if (this.clients.get(id) === client) this.clients.delete(id);
      honest.close();
    });
  }

  private carry(id: string, client: WebSocket, frame: Frame): void {
    if (frame.type === "OPEN") this.clients.set(id, client);
    if (frame.src === undefined) {
      client.send(JSON.stringify(frame));
      return;
    }
    this.seen.push(frame);
    this.deliver(this.rule(frame));
  }
}
