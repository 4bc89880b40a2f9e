import type { Locator, Page } from "@playwright/test";

/** Pages that only say something: a link that does not work, an address without a page. */
export class MessagePage {
  readonly heading: Locator;
  readonly joinField: Locator;
  readonly toStart: Locator;

  constructor(page: Page) {
    this.heading = page.getByRole("heading", { level: 1 });
    this.joinField = page.getByRole("textbox", { name: "Link or peer id", exact: true });
    this.toStart = page.getByRole("link", { name: "To the start page", exact: true });
  }
}
