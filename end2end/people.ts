// The actors: each a browser context of its own, with one tab or several.

import type { Browser, BrowserContext, BrowserContextOptions, Page, WebSocket } from "@playwright/test";

import { HomePage, type NewPoll } from "./pages/home";
import { LobbyPage } from "./pages/lobby";
import { MessagePage } from "./pages/message";
import { PollPage } from "./pages/poll";
import { Wire } from "./wire";
import type { Problems } from "./problems";
import type { Site } from "./site";

/** One tab, and every page that it may show. */
export class Tab {
  readonly home: HomePage;
  readonly poll: PollPage;
  readonly lobby: LobbyPage;
  readonly message: MessagePage;
  readonly wire: Wire;
  private socket: WebSocket | undefined;

  constructor(
    readonly page: Page,
    protected readonly site: Site,
  ) {
    this.home = new HomePage(page);
    this.poll = new PollPage(page);
    this.lobby = new LobbyPage(page);
    this.message = new MessagePage(page);
    this.wire = new Wire(page);
    page.on("websocket", (socket) => {
      this.socket = socket;
    });
  }

  async goHome(): Promise<void> {
    await this.page.goto(this.site.url());
    await this.home.shown();
  }

  /** Opens an address without waiting for more than the page itself. */
  async visit(address: string): Promise<void> {
    // A link to the page that is shown already would only change its fragment.
    await this.page.goto("about:blank");
    await this.page.goto(new URL(address, this.site.url()).href);
  }

  /** Makes a poll on the home page and returns its link, once others can join. */
  async createPoll(poll: NewPoll): Promise<string> {
    await this.goHome();
    await this.home.create(poll);
    await this.poll.shown(poll.question);
    await this.poll.isConnected();
    return this.poll.link();
  }

  /** Opens a poll's link and waits until it is live. */
  async join(link: string): Promise<void> {
    await this.visit(link);
    await this.poll.isConnected();
  }

  /** When this document was loaded: the same as long as nothing reloads it. */
  loadedAt(): Promise<number> {
    return this.page.evaluate(() => performance.timeOrigin);
  }

  /**
   * Waits until PeerServer's next frame of these very words, or one that they describe, has come in here: whatever is asked of the
   * page later, it asks later.
   */
  async hears(words: string | RegExp): Promise<void> {
    if (this.socket === undefined) throw new Error("this tab has never been at PeerServer");
    const isMeant = (frame: string) => (typeof words === "string" ? frame === words : words.test(frame));
    await this.socket.waitForEvent("framereceived", ({ payload }) => isMeant(String(payload)));
  }

  /** What this tab says to PeerServer first from now on, by its address. */
  async nextSocket(timeout: number): Promise<string> {
    const socket = await this.page.waitForEvent("websocket", { timeout });
    return socket.url();
  }
}

/** Somebody with a browser. Their first tab is at hand directly. */
export class Person extends Tab {
  private constructor(
    readonly context: BrowserContext,
    page: Page,
    site: Site,
  ) {
    super(page, site);
  }

  static async in(context: BrowserContext, site: Site): Promise<Person> {
    return new Person(context, await context.newPage(), site);
  }

  async newTab(): Promise<Tab> {
    return new Tab(await this.context.newPage(), this.site);
  }

  /** Does something that opens a new tab, and returns that tab. */
  async newTabBy(action: () => Promise<void>): Promise<Tab> {
    const [page] = await Promise.all([this.context.waitForEvent("page"), action()]);
    return new Tab(page, this.site);
  }
}

/** Makes actors, and sees them off at the end. */
export class People {
  private readonly contexts: BrowserContext[] = [];

  constructor(
    private readonly browser: Browser,
    private readonly site: Site,
    private readonly problems: Problems,
  ) {}

  async join(name: string, options: BrowserContextOptions = {}): Promise<Person> {
    const context = await this.browser.newContext(options);
    this.contexts.push(context);
    return this.in(context, name);
  }

  /** An actor in a browser that was started elsewhere. */
  async in(context: BrowserContext, name: string): Promise<Person> {
    this.problems.watch(context, name, this.site);
    await Wire.tap(context);
    return Person.in(context, this.site);
  }

  async leave(): Promise<void> {
    await Promise.all(this.contexts.map((context) => context.close()));
  }
}
