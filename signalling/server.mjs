// PeerServer in a small wrapper: it carries offers and answers between peers that want to meet, and nothing else.
//
//   node signalling/server.mjs [--host 127.0.0.1] [--port 9000] [--path /signal] [--proxied]
//
// What the wrapper adds to the library, and why:
// - errors are listened for: a single frame holding `null` kills a bare PeerServer;
// - frames are limited in size and in kind (see frames.mjs);
// - a take-over (the same id and token while the old socket still stands) is answered with OPEN, which PeerServer leaves
//   out, and the old socket is closed;
// - it can be stopped, sockets and all.
//
// Nothing is logged per request: query strings hold the tokens that guard peer ids.

import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import express from "express";
import { ExpressPeerServer } from "peer";
import { WebSocketServer } from "ws";

import { assertAcceptable } from "./frames.mjs";
import { listen, stopServer, trackSockets, untilSignal, urlOf } from "./listen.mjs";
import { collectTimers } from "./timers.mjs";

const HOST_DEFAULT = "127.0.0.1";
const PORT_DEFAULT = 9000;
export const PATH_DEFAULT = "/signal";
const KEY = "peerjs";

/** A hidden tab pings once a minute: two may be missed before its id is given away. */
const ALIVE_TIMEOUT_MS = 150_000;
const FRAME_BYTES_MAX = 64 * 1024;
/** WebSocket close code, from the range for private use: a newer socket holds this id now. */
export const CLOSE_TAKEN_OVER = 4000;

/**
 * Mounts PeerServer on `server` (WebSockets) and `app` (its few HTTP routes), both under `path`.
 * Returns a function that stops its timers.
 */
export function mountSignalling(app, server, { path = PATH_DEFAULT, proxied = false } = {}) {
  const peerServer = ExpressPeerServer(server, {
    path,
    proxied,
    key: KEY,
    alive_timeout: ALIVE_TIMEOUT_MS,
    allow_discovery: false,
    corsOptions: { origin: false },
    createWebSocketServer: (options) => new WebSocketServer({ ...options, maxPayload: FRAME_BYTES_MAX }),
  });

  // A bad frame or a broken socket is its sender's problem; the listener alone keeps it from ending the process.
  peerServer.on("error", () => {});
  // PeerServer drops a frame when a listener throws before it is relayed.
  peerServer.on("message", (_client, frame) => assertAcceptable(frame));

  const sockets = new WeakMap();
  peerServer.on("connection", (client) => {
    const current = client.getSocket();
    const previous = sockets.get(client);
    sockets.set(client, current);
    if (previous === undefined || previous === current) return;
    // The client record now points at the new socket, so the old one's close leaves it in place.
    client.setLastPing(Date.now());
    client.send({ type: "OPEN" });
    previous.close(CLOSE_TAKEN_OVER, "taken over");
  });

  return collectTimers(() => app.use(peerServer));
}

/** Starts signalling on a port of its own. Rejects when it can't listen. `close()` frees the port and every socket. */
export async function startSignalling({
  host = HOST_DEFAULT,
  port = PORT_DEFAULT,
  path = PATH_DEFAULT,
  proxied = false,
} = {}) {
  const app = express().disable("x-powered-by");
  const server = createServer(app);
  const sockets = trackSockets(server);
  const stopTimers = mountSignalling(app, server, { path, proxied });
  try {
    await listen(server, { host, port });
  } catch (error) {
    stopTimers();
    throw error;
  }
  return {
    port: server.address().port,
    url: urlOf(server, path),
    async close() {
      stopTimers();
      await stopServer(server, sockets);
    },
  };
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      host: { type: "string", default: process.env.HOST ?? HOST_DEFAULT },
      port: { type: "string", default: process.env.PORT ?? String(PORT_DEFAULT) },
      path: { type: "string", default: PATH_DEFAULT },
      proxied: { type: "boolean", default: false },
    },
  });
  return { ...values, port: Number(values.port) };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  try {
    const signalling = await startSignalling(readOptions());
    console.log(`signalling: listening on ${signalling.url}`);
    await untilSignal();
    await signalling.close();
  } catch (error) {
    console.error(`signalling: ${error.message}`);
    process.exitCode = 1;
  }
}
