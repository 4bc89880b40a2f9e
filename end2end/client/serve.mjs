// Serves the sample client and the PeerJS it takes.

import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

import express from "express";

import { listen, stopServer, trackSockets, urlOf } from "../../signalling/listen.mjs";

const CLIENT = fileURLToPath(new URL(".", import.meta.url));
const PEERJS = fileURLToPath(new URL("../../node_modules/peerjs/dist/peerjs.min.js", import.meta.url));

export async function startClient() {
  const app = express().use(express.static(CLIENT)).get("/peerjs.min.js", (_, response) => response.sendFile(PEERJS));
  const server = createServer(app);
  const sockets = trackSockets(server);
  await listen(server, { host: "127.0.0.1", port: 0 });
  return { url: urlOf(server, "/"), close: () => stopServer(server, sockets) };
}
