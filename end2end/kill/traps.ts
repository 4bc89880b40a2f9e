// Steps of a vote's way at which a page can be made to stand still, with nothing done beyond that step.

import { type BrowserContext, expect, type Page, type Route } from "@playwright/test";

import type { Ledger } from "./ledger";

/** In the order in which a vote passes them, each named by the last thing that has happened. */
export const STEPS = [
  "clicked, not saved",
  "saved, not sent",
  "sent, not received",
  "received, not committed",
  "committed, not acked",
  "acked, not received",
  "ack received, outbox not emptied",
  "others told",
] as const;

export type Step = (typeof STEPS)[number];
export type Side = "owner" | "voter";

/** Whose page takes a vote past a step. */
export const SIDES: Record<Step, Side> = {
  "clicked, not saved": "voter",
  "saved, not sent": "voter",
  "sent, not received": "owner",
  "received, not committed": "owner",
  "committed, not acked": "owner",
  "acked, not received": "voter",
  "ack received, outbox not emptied": "voter",
  "others told": "owner",
};

/** Votes for this option or a later one are those that set off an owner's trap. */
export const MARKED_FROM = 2;

declare global {
  interface Window {
    /** The step at which this page stands still. */
    trap?: Step;
  }
}

type Vote = { id: string; choices: number[] };
type Signed = { command: { id: string; action: { type: string; payload: { choices: number[] } } } };
type Frame = { type: string; payload: { commandId: string; revision: number; choices: number[]; entry?: object } };

/**
 * Runs in the page, before its own scripts. What the page tells goes by a synchronous request: the page does nothing more
 * before the answer, and what it has told is known outside whatever becomes of the browser.
 */
function lay(markedFrom: number): void {
  const tell = (what: string, body: object) => {
    const request = new XMLHttpRequest();
    request.open("POST", new URL(`outside/${what}`, document.baseURI), false);
    request.send(JSON.stringify(body));
  };
  const pass = (step: Step) => {
    if (window.trap !== step) return;
    window.trap = undefined;
    tell("stands", { step });
  };
  const isMarked = (choices: number[]) => choices.some((choice) => choice >= markedFrom);
  const read = (data: unknown): Frame[] => [JSON.parse(String(data))].flat();

  const saving = new WeakMap<IDBTransaction, Vote>();
  const committing = new WeakSet<IDBTransaction>();
  const { put, delete: remove } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = function (this: IDBObjectStore, value, key) {
    if (this.name === "outbox") {
      const { id, action } = (JSON.parse(value) as Signed).command;
      saving.set(this.transaction, { id, choices: action.payload.choices });
      pass("clicked, not saved");
    }
    if (this.name === "log") {
      const { action } = (JSON.parse(value).entry.signed as Signed).command;
      if (action.type === "poll:vote" && isMarked(action.payload.choices)) {
        committing.add(this.transaction);
        pass("received, not committed");
      }
    }
    return put.call(this, value, key);
  };
  IDBObjectStore.prototype.delete = function (this: IDBObjectStore, key) {
    if (this.name === "outbox") pass("ack received, outbox not emptied");
    return remove.call(this, key);
  };
  const begin = IDBDatabase.prototype.transaction;
  IDBDatabase.prototype.transaction = function (this: IDBDatabase, ...args: Parameters<typeof begin>) {
    const transaction = begin.apply(this, args);
    transaction.addEventListener("complete", () => {
      const saved = saving.get(transaction);
      if (saved !== undefined) {
        tell("saved", saved);
        pass("saved, not sent");
      }
      if (committing.has(transaction)) pass("committed, not acked");
    });
    return transaction;
  };

  let marked: RTCDataChannel | undefined;
  const arrive = (channel: RTCDataChannel, { type, payload }: Frame) => {
    if (type === "poll:vote" && payload.entry === undefined && isMarked(payload.choices)) {
      marked = channel;
      pass("sent, not received");
    }
    if (type === "ack") {
      tell("acked", { id: payload.commandId, revision: payload.revision });
      pass("acked, not received");
    }
  };
  const onmessage = Object.getOwnPropertyDescriptor(RTCDataChannel.prototype, "onmessage");
  if (onmessage?.set === undefined) throw new Error("a data channel's onmessage can't be watched");
  const { set, get } = onmessage;
  Object.defineProperty(RTCDataChannel.prototype, "onmessage", {
    get,
    set(this: RTCDataChannel, handler: ((event: MessageEvent) => void) | null) {
      const watching = (event: MessageEvent) => {
        for (const message of read(event.data)) arrive(this, message);
        handler?.call(this, event);
      };
      set.call(this, handler && watching);
    },
  });
  const send = RTCDataChannel.prototype.send as (this: RTCDataChannel, data: unknown) => void;
  RTCDataChannel.prototype.send = function (this: RTCDataChannel, data: unknown) {
    send.call(this, data);
    const tellsOthers = ({ type, payload }: Frame) =>
      type === "poll:vote" && payload.entry !== undefined && isMarked(payload.choices) && this !== marked;
    if (read(data).some(tellsOthers)) pass("others told");
  } as RTCDataChannel["send"];
}

/** One browser's traps, and what its pages tell. */
export class Traps {
  private caught: Route | undefined;
  private readonly ackedIds = new Set<string>();

  private constructor(private readonly ledger: Ledger) {}

  static async lay(context: BrowserContext, ledger: Ledger): Promise<Traps> {
    const traps = new Traps(ledger);
    await context.addInitScript(lay, MARKED_FROM);
    await context.route("**/outside/*", (route) => traps.hear(route));
    return traps;
  }

  /** Votes of this browser that were acked. */
  get acked(): number {
    return this.ackedIds.size;
  }

  /** Sets the trap in a page. */
  async set(page: Page, step: Step): Promise<void> {
    this.caught = undefined;
    await page.evaluate((step) => {
      window.trap = step;
    }, step);
  }

  /** Waits until the page stands still, and returns what lets it go on. */
  async sprung(timeout: number): Promise<Route> {
    await expect.poll(() => this.caught !== undefined, { intervals: [20], timeout }).toBe(true);
    return this.caught as Route;
  }

  private async hear(route: Route): Promise<void> {
    const told = route.request().postDataJSON();
    switch (new URL(route.request().url()).pathname) {
      case "/outside/saved":
        this.ledger.saved(told);
        break;
      case "/outside/acked":
        this.ledger.acked(told);
        this.ackedIds.add(told.id);
        break;
      default:
        this.caught = route;
        return;
    }
    // Whoever has been killed since then needs no answer; everybody else goes nowhere without one, which is noticed.
    await letGo(route).catch(() => {});
  }
}

/** Lets a page go on that stands still. */
export function letGo(route: Route): Promise<void> {
  return route.fulfill({ status: 204 });
}
