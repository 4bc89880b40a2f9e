// What a page's Content-Security-Policy has kept from happening.

import type { BrowserContext, Page } from "@playwright/test";

export type Violation = { directive: string; blocked: string };

declare global {
  interface Window {
    violations: Violation[];
  }
}

export class Violations {
  /** Every page of this browser keeps its own, from its first script on. */
  static async watch(context: BrowserContext): Promise<void> {
    await context.addInitScript(() => {
      window.violations = [];
      document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => {
        window.violations.push({ directive: effectiveDirective, blocked: blockedURI });
      });
    });
  }

  /** Each kind once: the page's own policy and its server's tell of the same, and of some things again and again. */
  static in(page: Page): Promise<Violation[]> {
    return page.evaluate(() => {
      const kinds = new Map(window.violations.map((violation) => [JSON.stringify(violation), violation]));
      return [...kinds.values()];
    });
  }
}
