// Chromium at times lets a channel open, and frames come, before it has applied the answer to the offer: until then nobody
// can tell to whom the channel leads. Here it always does.

import type { Page } from "@playwright/test";

import { expect, test } from "../fixtures";
import { LUNCH } from "../polls";

declare global {
  interface Window {
    /** Connections whose answer was kept back until their channel had opened. */
    keptBack: number;
  }
}

/**
 * Runs in the page: of every connection that this end offers, the answer is seen only after the channel has opened and
 * somebody has then looked how far it has come.
 */
function keepAnswersBack(): void {
  window.keptBack = 0;
  const waiting = new WeakSet<RTCPeerConnection>();
  const opened = new WeakSet<RTCPeerConnection>();
  const apply = (connection: RTCPeerConnection) => {
    if (!waiting.delete(connection)) return;
    window.keptBack += 1;
    connection.dispatchEvent(new Event("signalingstatechange"));
  };
  const hide = (name: "signalingState" | "remoteDescription" | "currentRemoteDescription", hidden: unknown) => {
    const { get } = Object.getOwnPropertyDescriptor(RTCPeerConnection.prototype, name) ?? {};
    if (get === undefined) throw new Error(`${name} can't be hidden`);
    Object.defineProperty(RTCPeerConnection.prototype, name, {
      get(this: RTCPeerConnection) {
        if (!waiting.has(this)) return get.call(this);
        if (name === "signalingState" && opened.has(this)) setTimeout(() => apply(this));
        return hidden;
      },
    });
  };
  hide("signalingState", "have-local-offer");
  hide("remoteDescription", null);
  hide("currentRemoteDescription", null);
  const create = RTCPeerConnection.prototype.createDataChannel;
  RTCPeerConnection.prototype.createDataChannel = function (this: RTCPeerConnection, ...args: Parameters<typeof create>) {
    const channel = create.apply(this, args);
    waiting.add(this);
    channel.addEventListener("open", () => opened.add(this));
    return channel;
  };
}

const keptBack = (page: Page): Promise<number> => page.evaluate(() => window.keptBack);

test("a participant whose channel opens before the answer is applied waits for it, and votes", async ({ owner, voter }) => {
  const link = await owner.createPoll(LUNCH);
  await voter.page.addInitScript(keepAnswersBack);
  await voter.join(link);
  await voter.poll.vote("Soup");
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
  expect(await keptBack(voter.page)).toBeGreaterThan(0);
});

test("so does the sample client", async ({ owner, stranger }) => {
  const link = await owner.createPoll(LUNCH);
  await stranger.page.evaluate(keepAnswersBack);
  const line = await stranger.enter(link);
  await line.evaluate((connection) => connection.give("poll:vote", { choices: [1] }));
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
  expect(await keptBack(stranger.page)).toBeGreaterThan(0);
});
