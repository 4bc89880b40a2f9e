import type { Locator, Page } from "@playwright/test";

/** `/poll#OWNER`: the open polls that an owner lists. */
export class LobbyPage {
  readonly heading: Locator;
  readonly connection: Locator;
  readonly polls: Locator;

  constructor(private readonly page: Page) {
    this.heading = page.getByRole("heading", { level: 1, name: "Open polls of this owner", exact: true });
    this.connection = page.getByRole("status", { name: "Connection", exact: true });
    this.polls = page.getByRole("main").getByRole("listitem").getByRole("link");
  }

  poll(question: string): Locator {
    return this.page.getByRole("main").getByRole("link", { name: question, exact: true });
  }

  get empty(): Locator {
    return this.page.getByText("This owner lists no open polls. Ask them for the link of the poll itself.", { exact: true });
  }
}
