// The frames of a page's data channels: kept to be looked at, and on request lost or sent several times.

import type { BrowserContext, Page } from "@playwright/test";

export type Message = { type: string; payload: Record<string, unknown> };

type Tap = {
  sent: Message[];
  received: Message[];
  lost: Set<string>;
  copies: Map<string, number>;
  channels: Set<RTCDataChannel>;
  offers: number;
};

declare global {
  interface Window {
    wire: Tap;
  }
}

/** Runs in the page, before its own scripts. Messages are recorded as they leave and as they arrive. */
function tap(): void {
  if (typeof RTCDataChannel === "undefined") return;
  const wire: Tap = { sent: [], received: [], lost: new Set(), copies: new Map(), channels: new Set(), offers: 0 };
  window.wire = wire;
  const read = (data: unknown): Message[] => {
    try {
      return [JSON.parse(String(data))].flat();
    } catch {
      return [];
    }
  };

  const send = RTCDataChannel.prototype.send as (this: RTCDataChannel, data: unknown) => void;
  const meet = (channel: RTCDataChannel) => {
    if (wire.channels.has(channel)) return;
    wire.channels.add(channel);
    channel.addEventListener("message", ({ data }) => wire.received.push(...read(data)));
    channel.addEventListener("close", () => wire.channels.delete(channel));
  };
  RTCDataChannel.prototype.send = function (this: RTCDataChannel, data: unknown) {
    meet(this);
    const messages = read(data);
    const kept = messages.filter(({ type }) => !wire.lost.has(type));
    if (messages.length > 0 && kept.length === 0) return;
    const frame = kept.length === messages.length ? data : JSON.stringify(kept);
    const copies = Math.max(1, ...kept.map(({ type }) => wire.copies.get(type) ?? 1));
    for (let copy = 0; copy < copies; copy += 1) {
      wire.sent.push(...kept);
      send.call(this, frame);
    }
  } as RTCDataChannel["send"];

  const createOffer = RTCPeerConnection.prototype.createOffer as (...args: unknown[]) => Promise<unknown>;
  RTCPeerConnection.prototype.createOffer = function (this: RTCPeerConnection, ...args: unknown[]) {
    wire.offers += 1;
    return createOffer.apply(this, args);
  } as RTCPeerConnection["createOffer"];
}

/** One page's end of its connections. What is asked of it holds until the page is reloaded. */
export class Wire {
  constructor(private readonly page: Page) {}

  static async tap(context: BrowserContext): Promise<void> {
    await context.addInitScript(tap);
  }

  /** The payloads that have left so far, of one type. */
  sent(type: string): Promise<Message["payload"][]> {
    return this.page.evaluate(
      (type) => window.wire.sent.filter((message) => message.type === type).map(({ payload }) => payload),
      type,
    );
  }

  /** The payloads that have arrived so far, of one type. */
  received(type: string): Promise<Message["payload"][]> {
    return this.page.evaluate(
      (type) => window.wire.received.filter((message) => message.type === type).map(({ payload }) => payload),
      type,
    );
  }

  /** Drops what was kept so far. */
  async forget(): Promise<void> {
    await this.page.evaluate(() => {
      window.wire.sent.length = 0;
      window.wire.received.length = 0;
    });
  }

  /** How often the page has offered a connection to anybody. */
  offers(): Promise<number> {
    return this.page.evaluate(() => window.wire.offers);
  }

  /** From now on, messages of these types are lost on their way out. */
  async lose(...types: string[]): Promise<void> {
    await this.page.evaluate((types) => {
      for (const type of types) window.wire.lost.add(type);
    }, types);
  }

  /** Nothing is lost any more. */
  async mend(): Promise<void> {
    await this.page.evaluate(() => window.wire.lost.clear());
  }

  /** From now on, every frame with a message of this type leaves several times. */
  async repeat(type: string, times: number): Promise<void> {
    await this.page.evaluate(([type, times]) => window.wire.copies.set(type, times), [type, times] as const);
  }

  /** Closes every channel that stands, under the page's feet. The other end is told, as of a tab that is closed. */
  async cut(): Promise<void> {
    await this.page.evaluate(() => {
      for (const channel of window.wire.channels) channel.close();
    });
  }
}
