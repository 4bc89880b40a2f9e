// The built page and PeerServer behind one origin: all that a poll needs.
//
//   node signalling/serve.mjs [--dist dist] [--host 127.0.0.1] [--port 8080] [--lan] [--proxied]

import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import express from "express";

import { lanAddresses, listen, stopServer, trackSockets, untilSignal, urlOf } from "./listen.mjs";
import { pageHandler } from "./page.mjs";
import { mountSignalling, PATH_DEFAULT } from "./server.mjs";

const HOST_DEFAULT = "127.0.0.1";
const HOST_LAN = "0.0.0.0";
const PORT_DEFAULT = 8080;
const LAN_CAVEAT =
  "Browsers call plain http addresses other than localhost insecure: there, a page can't keep its tabs apart\n" +
  "or ask for lasting storage. For more than a try, put HTTPS in front.";

/**
 * Serves the page in `dist`, with signalling under `signallingPath` (`null`: without). `config` stands in for the
 * directory's `config.json`. `close()` frees the port and every socket.
 */
export async function startPage({
  dist,
  host = HOST_DEFAULT,
  port = PORT_DEFAULT,
  signallingPath = PATH_DEFAULT,
  proxied = false,
  config,
}) {
  const app = express().disable("x-powered-by").set("trust proxy", proxied);
  const server = createServer(app);
  const sockets = trackSockets(server);
  const servePage = await pageHandler(dist, { config });
  const stopTimers =
    signallingPath === null ? () => {} : mountSignalling(app, server, { path: signallingPath, proxied });
  app.use(servePage);
  try {
    await listen(server, { host, port });
  } catch (error) {
    stopTimers();
    throw error;
  }
  return {
    port: server.address().port,
    url: urlOf(server, "/"),
    async close() {
      stopTimers();
      await stopServer(server, sockets);
    },
  };
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      dist: { type: "string", default: "dist" },
      host: { type: "string", default: process.env.HOST ?? HOST_DEFAULT },
      port: { type: "string", default: process.env.PORT ?? String(PORT_DEFAULT) },
      lan: { type: "boolean", default: false },
      proxied: { type: "boolean", default: false },
    },
  });
  return { ...values, host: values.lan ? HOST_LAN : values.host, port: Number(values.port) };
}

function announce(page, { lan }) {
  console.log(`Peerpoll is at ${lan ? `http://127.0.0.1:${page.port}/` : page.url}`);
  if (lan) {
    for (const address of lanAddresses()) console.log(`On this network: http://${address}:${page.port}/`);
    console.log(LAN_CAVEAT);
  }
  console.log("Ctrl-C stops it.");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  try {
    const options = readOptions();
    const page = await startPage(options);
    announce(page, options);
    await untilSignal();
    await page.close();
  } catch (error) {
    console.error(`serve: ${error.message}`);
    process.exitCode = 1;
  }
}
