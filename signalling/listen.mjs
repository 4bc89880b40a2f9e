// Starting and stopping a Node server, shared by signalling and the page's server.

import { once } from "node:events";
import { networkInterfaces } from "node:os";

/** Resolves once `server` listens; rejects with words for the person who started it. */
export async function listen(server, { host, port }) {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error("--port wants a number up to 65535");
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (error) {
    throw explain(error, { host, port });
  }
}

function explain(error, { host, port }) {
  switch (error.code) {
    case "EADDRINUSE":
      return new Error(`port ${port} is taken; stop what uses it, or choose another with --port`, { cause: error });
    case "EACCES":
      return new Error(`port ${port} is not allowed for this user; choose one above 1023 with --port`, { cause: error });
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return new Error(`${host} is not an address of this machine`, { cause: error });
    default:
      return error;
  }
}

/** Keeps every open socket of `server`, upgraded ones too, which `server.close()` would wait for. */
export function trackSockets(server) {
  const sockets = new Set();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return sockets;
}

/** Stops listening and destroys every socket; resolves when the port is free. */
export async function stopServer(server, sockets) {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  for (const socket of sockets) socket.destroy();
  await closed;
}

export function urlOf(server, path) {
  const { address, family, port } = server.address();
  const host = family === "IPv6" ? `[${address}]` : address;
  return `http://${host}:${port}${path}`;
}

/** IPv4 addresses under which others on the network reach this machine. */
export function lanAddresses() {
  return Object.values(networkInterfaces())
    .flat()
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address }) => address);
}

/** Resolves when the process is asked to stop. */
export async function untilSignal() {
  await Promise.race(["SIGINT", "SIGTERM", "SIGHUP"].map((signal) => once(process, signal)));
}
