// A poll in one tab of any browser: what a person does there, and all that they see.

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";

/** Two browsers on a busy machine; a new try after an outage is at most a minute off. */
const PATIENCE_MS = 75_000;
const POLL_MS = 100;
/** Firefox reports it as an error of the page. */
const SIGNALLING_AWAY = /can’t establish a connection to the server at ws:|was interrupted while the page was loading/;

/** Puppeteer's own locators and waits compile text in the page, which its Content-Security-Policy forbids. */
async function until(read, isDone) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const value = await read();
    if (isDone(value) || Date.now() > deadline) return value;
    await pause(POLL_MS);
  }
}

export class Tab {
  #page;
  #problems = [];

  constructor(page) {
    this.#page = page;
    page.setDefaultTimeout(PATIENCE_MS);
    page.on("pageerror", ({ message }) => {
      if (!SIGNALLING_AWAY.test(message)) this.#problems.push(message);
    });
    // An owner who is not alone is asked whether they really want to leave.
    page.on("dialog", (dialog) => dialog.accept());
  }

  /** Opens a tab that shares nothing with any other. */
  static async open(browser) {
    const context = await browser.createBrowserContext();
    return new Tab(await context.newPage());
  }

  async visit(address) {
    await this.#page.goto(address);
  }

  async reload() {
    await this.#page.reload();
  }

  /** Makes a poll on the home page and returns its link. */
  async createPoll(address, { question, options }) {
    await this.visit(address);
    await this.#fill("Question", question);
    for (const [at, label] of options.entries()) await this.#fill(`Option ${at + 1}`, label);
    await this.#click("Create poll");
    await this.sees({ question, connection: "Connected" });
    return this.#page.evaluate(() => document.querySelector("input[readonly]").value);
  }

  async press(label) {
    await this.#click(`Vote for ${label}`);
  }

  /** Waits until the tab shows all of this; fails with what it shows in its place. */
  async sees(expected) {
    const look = async () => {
      const shown = await this.#page.evaluate(whatIsShown);
      return Object.fromEntries(Object.keys(expected).map((what) => [what, shown[what]]));
    };
    assert.deepEqual(await until(look, (seen) => isDeepStrictEqual(seen, expected)), expected);
  }

  async close() {
    await this.#page.browserContext().close();
    assert.deepEqual(this.#problems, [], "nothing went wrong unseen");
  }

  async #fill(name, text) {
    const field = await this.#control("textbox", name);
    await field.type(text);
  }

  /** Presses a button once it can be pressed: looking and pressing are one step, or it might be disabled in between. */
  async #click(name) {
    const press = async () => {
      const button = await this.#find("button", name);
      return button?.evaluate((element) => {
        const isEnabled = element.isConnected && element.ariaDisabled !== "true" && !element.disabled;
        if (isEnabled) element.click();
        return isEnabled;
      });
    };
    assert.ok(await until(press, Boolean), `there is a button called ${name} that can be pressed`);
  }

  async #control(role, name) {
    const control = await until(() => this.#find(role, name), Boolean);
    assert.ok(control, `there is a ${role} called ${name}`);
    return control;
  }

  #find(role, name) {
    return this.#page.$(`::-p-aria([name="${name}"][role="${role}"])`);
  }
}

/** Runs in the page. */
function whatIsShown() {
  const text = (selector) => document.querySelector(selector)?.textContent;
  const connection = document.querySelector('[role="status"][aria-label="Connection"]');
  const meters = [...document.querySelectorAll("meter")];
  return {
    question: text("h1"),
    connection: connection?.textContent,
    cause: connection?.nextElementSibling?.textContent.trim(),
    pending: text('[role="status"][aria-label="Pending sync"]'),
    votes: Object.fromEntries(meters.map((meter) => [meter.getAttribute("aria-label"), meter.getAttribute("value")])),
  };
}
