// A server of another origin, which has no business with the page: it counts what is asked of it.

import { createServer } from "node:http";

import { listen, stopServer, trackSockets, urlOf } from "../signalling/listen.mjs";
import { HOST } from "./site";

const SCRIPT = "window.ranForeignCode = true;";

export class ForeignSite {
  readonly asked: string[] = [];
  private readonly server = createServer((request, response) => {
    this.asked.push(request.url ?? "");
    response.setHeader("Access-Control-Allow-Origin", "*");
    response.setHeader("Content-Type", "text/javascript");
    response.end(SCRIPT);
  });
  private readonly sockets = trackSockets(this.server);

  static async start(): Promise<ForeignSite> {
    const foreign = new ForeignSite();
    await listen(foreign.server, { host: HOST, port: 0 });
    return foreign;
  }

  url(path: string): string {
    return urlOf(this.server, path);
  }

  stop(): Promise<void> {
    return stopServer(this.server, this.sockets);
  }
}
