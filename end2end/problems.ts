// Whatever goes wrong in a page unseen: errors on its console, exceptions, dialogs, and calls to foreign servers.

import { type BrowserContext, expect } from "@playwright/test";

import type { Site } from "./site";

export class Problems {
  private readonly seen: string[] = [];
  private readonly expected: RegExp[] = [];

  /** Says beforehand that this is no problem in this test. */
  expect(words: RegExp): void {
    this.expected.push(words);
  }

  watch(context: BrowserContext, who: string, site: Site): void {
    context.on("console", (message) => {
      if (message.type() === "error") this.seen.push(`${who}'s console: ${message.text()}`);
    });
    context.on("weberror", (error) => this.seen.push(`${who}'s page: ${error.error().message}`));
    context.on("dialog", async (dialog) => {
      // What is not confirmed yet makes a page ask before it goes; tests mean to go.
      if (dialog.type() === "beforeunload") return dialog.accept();
      this.seen.push(`${who} was shown: ${dialog.message()}`);
      return dialog.dismiss();
    });
    context.on("request", (request) => {
      // Whatever the browser asks itself goes by other schemes.
      const isForeign = /^https?:/.test(request.url()) && !request.url().startsWith(site.url());
      if (isForeign) this.seen.push(`${who} asked ${request.url()}`);
    });
    const signalling = `ws://${site.peerServer.host}:${site.peerServer.port}/`;
    context.on("page", (page) => {
      page.on("websocket", (socket) => {
        if (!socket.url().startsWith(signalling)) this.seen.push(`${who} opened ${socket.url()}`);
      });
    });
  }

  check(): void {
    const unexpected = this.seen.filter((problem) => !this.expected.some((words) => words.test(problem)));
    expect(unexpected, "nothing went wrong unseen").toEqual([]);
  }
}

/** What Chromium itself writes to the console when PeerServer is away. */
export const PEER_SERVER_AWAY = /WebSocket connection to 'ws:.*' failed/;
