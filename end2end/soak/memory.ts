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

/** What may grow, and how fast: by time alone, and with every command in the log. */
const MEASURES: { name: string; of: (sample: Sample) => number; perMinuteMax: number; perCommandMax: number }[] = [
  { name: "JavaScript heap, kB", of: ({ heapKb }) => heapKb, perMinuteMax: 20, perCommandMax: 0.5 },
  { name: "WebAssembly memory, kB", of: ({ wasmKb }) => wasmKb, perMinuteMax: 20, perCommandMax: 3 },
  { name: "DOM nodes", of: ({ nodes }) => nodes, perMinuteMax: 5, perCommandMax: 0.1 },
  { name: "listeners", of: ({ listeners }) => listeners, perMinuteMax: 5, perCommandMax: 0.1 },
  { name: "connections", of: ({ connections }) => connections, perMinuteMax: 0.2, perCommandMax: 0.01 },
];

function slopes(samples: Sample[], of: (sample: Sample) => number) {
  const values = samples.map(of);
  const [, inAll] = leastSquares(samples.map(({ minutes }) => [1, minutes]), values);
  const [base, perMinute, perCommand] = leastSquares(samples.map(({ minutes, commands }) => [1, minutes, commands]), values);
  return { inAll, base, perMinute, perCommand };
}

/** Each measure's straight line in words. */
export function trends(samples: Sample[]): string[] {
  return MEASURES.map(({ name, of }) => {
    const { inAll, base, perMinute, perCommand } = slopes(samples, of);
    const alone = `${perMinute.toFixed(2)} a minute by time alone and ${perCommand.toFixed(3)} a command, on ${base.toFixed(0)}`;
    return `${name}: ${inAll.toFixed(2)} a minute in all; ${alone}`;
  });
}

/** What grows faster than it may. */
export function leaks(samples: Sample[]): string[] {
  return MEASURES.flatMap(({ name, of, perMinuteMax, perCommandMax }) => {
    const { perMinute, perCommand } = slopes(samples, of);
    return [
      ...(perMinute > perMinuteMax ? [`${name}: ${perMinute.toFixed(2)} a minute, of which ${perMinuteMax} are allowed`] : []),
      ...(perCommand > perCommandMax ? [`${name}: ${perCommand.toFixed(3)} a command, of which ${perCommandMax} are allowed`] : []),
    ];
  });
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
