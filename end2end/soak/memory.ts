// What a page takes: samples over time, and straight lines through them.

import type { BrowserContext, CDPSession, Page } from "@playwright/test";

declare global {
  interface Window {
    /** The memories of the WebAssembly modules that this page has started. */
    wasmMemories: WebAssembly.Memory[];
    /** The connections that this page has made and not closed. */
    openConnections: Set<RTCPeerConnection>;
  }
}

export type Sample = {
  minutes: number;
  /** Commands in the owner's log by then. */
  commands: number;
  heapKb: number;
  wasmKb: number;
  nodes: number;
  listeners: number;
  /** RTCPeerConnections that are not closed. */
  connections: number;
};

/** Runs in the page, before its own scripts. */
function keepMemories(): void {
  window.wasmMemories = [];
  const keep = <T extends WebAssembly.WebAssemblyInstantiatedSource>(source: T): T => {
    const { memory } = source.instance.exports;
    if (memory instanceof WebAssembly.Memory) window.wasmMemories.push(memory);
    return source;
  };
  const { instantiateStreaming } = WebAssembly;
  WebAssembly.instantiateStreaming = async (...args) => keep(await instantiateStreaming(...args));
}

/** Runs in the page, before its own scripts. A connection that stays open is one that the browser keeps anyway. */
function countConnections(): void {
  const open = (window.openConnections = new Set());
  window.RTCPeerConnection = new Proxy(RTCPeerConnection, {
    construct(target, args, newTarget) {
      const connection: RTCPeerConnection = Reflect.construct(target, args, newTarget);
      open.add(connection);
      return connection;
    },
  });
  const { close } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.close = function () {
    close.call(this);
    open.delete(this);
  };
}

export class MemoryProbe {
  private constructor(
    private readonly page: Page,
    private readonly session: CDPSession,
  ) {}

  /** Before the page is loaded. */
  static async attach(context: BrowserContext, page: Page): Promise<MemoryProbe> {
    await context.addInitScript(keepMemories);
    await context.addInitScript(countConnections);
    const session = await context.newCDPSession(page);
    await session.send("Performance.enable");
    return new MemoryProbe(page, session);
  }

  /** What is left after a collection of garbage. */
  async sample(minutes: number, commands: number): Promise<Sample> {
    await this.session.send("HeapProfiler.collectGarbage");
    const { metrics } = await this.session.send("Performance.getMetrics");
    const metric = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
    const wasmBytes = await this.page.evaluate(() =>
      window.wasmMemories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0),
    );
    return {
      minutes,
      commands,
      heapKb: metric("JSHeapUsedSize") / 1_000,
      wasmKb: wasmBytes / 1_000,
      nodes: metric("Nodes"),
      listeners: metric("JSEventListeners"),
      connections: await this.connections(),
    };
  }

  connections(): Promise<number> {
    return this.page.evaluate(() => window.openConnections.size);
  }
}

/** How fast something grows, and how fast it may. */
export type Growth = { what: string; found: number; max: number };

/**
 * Half an hour of twenty people and twelve minutes of eight, who came back eight times a minute, left -2 to 3 kB a minute behind on
 * 3 MB: 20 kB are 2 kB for each coming back, and far from what chance makes of it.
 */
const HEAP_KB_A_MINUTE_MAX = 20;
/** A page of 64 KiB in three minutes; none was ever seen. */
const WASM_KB_A_SILENT_MINUTE_MAX = 20;
/** The log keeps every command, in 1.2 to 2.0 kB with the room that a growing list holds in reserve. */
const WASM_KB_A_COMMAND_MAX = 3;
/** One for every coming back would be more. */
const NODES_A_MINUTE_MAX = 3;
const LISTENERS_A_MINUTE_MAX = 2;

export function growths(samples: Sample[]): Growth[] {
  const by = (row: (sample: Sample) => number[], of: (sample: Sample) => number) => leastSquares(samples.map(row), samples.map(of))[1];
  const time = ({ minutes }: Sample) => [1, minutes];
  const commands = ({ commands }: Sample) => [1, commands];
  // Whoever is away is not in the page: that is no growth, up or down.
  const timeAlone = ({ minutes, connections }: Sample) => [1, minutes, connections];
  return [
    { what: "JavaScript heap, kB a minute", found: by(time, ({ heapKb }) => heapKb), max: HEAP_KB_A_MINUTE_MAX },
    { what: "WebAssembly memory, kB a minute while nobody votes", found: wasmInSilence(samples), max: WASM_KB_A_SILENT_MINUTE_MAX },
    { what: "WebAssembly memory, kB a command", found: by(commands, ({ wasmKb }) => wasmKb), max: WASM_KB_A_COMMAND_MAX },
    { what: "DOM nodes a minute", found: by(timeAlone, ({ nodes }) => nodes), max: NODES_A_MINUTE_MAX },
    { what: "listeners a minute", found: by(timeAlone, ({ listeners }) => listeners), max: LISTENERS_A_MINUTE_MAX },
  ];
}

/** What no command accounts for. The first sample without a new one may still be of the last one's making. */
function wasmInSilence(samples: Sample[]): number {
  let [grown, minutes] = [0, 0];
  for (const [at, sample] of samples.entries()) {
    const [before, earlier] = [samples[at - 1], samples[at - 2]];
    if (earlier?.commands !== sample.commands) continue;
    grown += sample.wasmKb - before.wasmKb;
    minutes += sample.minutes - before.minutes;
  }
  return grown / minutes;
}

/** Also what can't be told is too much. */
export function isTooMuch({ found, max }: Growth): boolean {
  return !(found <= max);
}

/** The coefficients by which the columns of `rows` come closest to `values`, by the normal equations. */
export function leastSquares(rows: number[][], values: number[]): number[] {
  const columns = rows[0].map((_, column) => column);
  const dot = (left: number[], right: number[]) => left.reduce((sum, value, at) => sum + value * right[at], 0);
  const columnOf = (column: number) => rows.map((row) => row[column]);
  const matrix = columns.map((i) => [...columns.map((j) => dot(columnOf(i), columnOf(j))), dot(columnOf(i), values)]);
  for (const pivot of columns) {
    const best = columns.slice(pivot).reduce((a, b) => (Math.abs(matrix[b][pivot]) > Math.abs(matrix[a][pivot]) ? b : a));
    [matrix[pivot], matrix[best]] = [matrix[best], matrix[pivot]];
    for (const row of columns.filter((row) => row !== pivot)) {
      const factor = matrix[row][pivot] / matrix[pivot][pivot];
      matrix[row] = matrix[row].map((value, at) => value - factor * matrix[pivot][at]);
    }
  }
  return columns.map((column) => matrix[column][columns.length] / matrix[column][column]);
}
