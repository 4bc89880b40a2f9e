// A browser with a profile that lasts, which can be killed or stopped as a whole: nothing in it gets to say goodbye.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { type Browser, chromium } from "@playwright/test";

import { CHROMIUM_ARGS } from "./playwright.config";
import type { People, Person } from "./people";

const LISTENING = /^DevTools listening on (ws:\S+)/;

export class CrashableBrowser {
  private process: ChildProcess | undefined;
  private browser: Browser | undefined;

  private constructor(
    readonly profile: string,
    private readonly people: People,
  ) {}

  static async prepare(people: People): Promise<CrashableBrowser> {
    return new CrashableBrowser(await mkdtemp(join(tmpdir(), "peerpoll-e2e-")), people);
  }

  /** Starts it, or starts it again with what its profile holds. */
  async start(name: string): Promise<Person> {
    // Without a window of its own: Playwright waits for every page that is there when it connects, and one time in forty
    // Chromium's first one never answered.
    const args = [...CHROMIUM_ARGS, "--headless", "--no-startup-window", "--remote-debugging-port=0", `--user-data-dir=${this.profile}`];
    const executable = process.env.PEERPOLL_CHROMIUM ?? chromium.executablePath();
    // A process group of its own, so that a signal reaches all of the browser's processes and no other.
    const browserProcess = spawn(executable, args, { detached: true, stdio: ["ignore", "ignore", "pipe"] });
    this.process = browserProcess;
    this.browser = await chromium.connectOverCDP(await endpoint(browserProcess));
    return this.people.in(this.browser.contexts()[0], name);
  }

  /** SIGKILL: as a crash, or the power button. */
  async kill(): Promise<void> {
    if (this.process === undefined) return;
    const ended = once(this.process, "exit");
    this.signal("SIGKILL");
    await ended;
    this.process = undefined;
  }

  /** SIGSTOP: as a laptop's lid. */
  freeze(): void {
    this.signal("SIGSTOP");
  }

  thaw(): void {
    this.signal("SIGCONT");
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }

  private signal(signal: NodeJS.Signals): void {
    const pid = this.process?.pid;
    if (pid === undefined) throw new Error("the browser was not started");
    process.kill(-pid, signal);
  }
}

async function endpoint(browserProcess: ChildProcess): Promise<string> {
  if (browserProcess.stderr === null) throw new Error("the browser has no stderr");
  for await (const line of createInterface(browserProcess.stderr)) {
    const [, address] = LISTENING.exec(line) ?? [];
    if (address !== undefined) {
      browserProcess.stderr.resume();
      return address;
    }
  }
  throw new Error("the browser ended before it listened");
}
