// What a page takes: samples over time, and straight lines through them.

import type { BrowserContext, CDPSession, Page } from "@playwright/test";

declare global {
  interface Window {
    /** The memories of the WebAssembly modules that this page has started. */
    wasmMemories: WebAssembly.Memory[];
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

export class MemoryProbe {
  private constructor(
    private readonly page: Page,
    private readonly session: CDPSession,
  ) {}

  /** Before the page is loaded. */
  static async attach(context: BrowserContext, page: Page): Promise<MemoryProbe> {
    await context.addInitScript(keepMemories);
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
    };
  }
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
