import { expect, type Locator, type Page } from "@playwright/test";

export type NewPoll = {
  question: string;
  options: string[];
  description?: string;
  multiple?: boolean;
  participantsAddOptions?: boolean;
  listed?: boolean;
};

/** `/`: making a poll, joining one, and the polls of this browser. */
export class HomePage {
  readonly question: Locator;
  readonly description: Locator;
  readonly addOption: Locator;
  readonly createPoll: Locator;
  readonly summary: Locator;
  readonly joinField: Locator;
  readonly join: Locator;
  readonly notices: Locator;
  readonly myPolls: Locator;
  readonly forgetButtons: Locator;

  constructor(private readonly page: Page) {
    this.question = page.getByRole("textbox", { name: "Question", exact: true });
    this.description = page.getByRole("textbox", { name: "Description", exact: true });
    this.addOption = page.getByRole("button", { name: "Add option", exact: true });
    this.createPoll = page.getByRole("button", { name: "Create poll", exact: true });
    this.summary = page.getByRole("form", { name: "New poll" }).getByRole("alert");
    this.joinField = page.getByRole("textbox", { name: "Link or peer id", exact: true });
    this.join = page.getByRole("button", { name: "Join", exact: true });
    this.notices = page.getByRole("region", { name: "About this browser" }).getByRole("listitem");
    this.myPolls = page.getByRole("region", { name: "My polls" }).getByRole("link");
    this.forgetButtons = page.getByRole("region", { name: "My polls" }).getByRole("button", { name: /^Forget / });
  }

  async shown(): Promise<void> {
    await expect(this.page.getByRole("heading", { level: 1, name: "Ask the room. Your browser is the room." })).toBeVisible();
  }

  /** Counted from 1, as its name is. */
  option(number: number): Locator {
    return this.page.getByRole("textbox", { name: `Option ${number}`, exact: true });
  }

  removeOption(number: number): Locator {
    return this.page.getByRole("button", { name: `Remove option ${number}`, exact: true });
  }

  checkbox(name: string): Locator {
    return this.page.getByRole("checkbox", { name, exact: true });
  }

  choice(name: "One" | "Several"): Locator {
    return this.page.getByRole("radio", { name, exact: true });
  }

  /** The native disclosure has no role that a locator could name. */
  get settings(): Locator {
    return this.page.getByText("Description and settings", { exact: true });
  }

  /** A poll that this browser knows, as a link. */
  myPoll(question: string): Locator {
    return this.page.getByRole("region", { name: "My polls" }).getByRole("link", { name: question, exact: true });
  }

  forget(question: string): Locator {
    return this.page.getByRole("button", { name: `Forget ${question}`, exact: true });
  }

  async fill(poll: NewPoll): Promise<void> {
    await this.question.fill(poll.question);
    for (const [at, label] of poll.options.entries()) {
      if (at >= 2) await this.addOption.click();
      await this.option(at + 1).fill(label);
    }
    if (poll.multiple === true) await this.choice("Several").check();
    if (poll.description === undefined && !poll.participantsAddOptions && !poll.listed) return;
    await this.settings.click();
    if (poll.description !== undefined) await this.description.fill(poll.description);
    if (poll.participantsAddOptions) await this.checkbox("Participants may add options").check();
    if (poll.listed) await this.checkbox("Show this poll to people who know only my peer id").check();
  }

  /** Fills the options from the first on with the lines of one paste. */
  async pasteOptions(lines: string[]): Promise<void> {
    await this.option(1).evaluate((field, text) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", text);
      field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
    }, lines.join("\n"));
    await expect(this.option(lines.length)).not.toHaveValue("");
  }

  async create(poll: NewPoll): Promise<void> {
    await this.fill(poll);
    await this.createPoll.click();
  }

  /** Puts a text into the field as a paste does: all at once. */
  async paste(text: string): Promise<void> {
    await this.joinField.fill(text);
    await this.join.click();
  }
}
