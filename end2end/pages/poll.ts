import { expect, type JSHandle, type Locator, type Page } from "@playwright/test";

/** How soon something can be pressed that is about to be. */
const PRESSED_MS = 10_000;

export type Role = "Viewer" | "Voter" | "Moderator" | "Owner";

/** `/poll#…`: a poll, for whoever looks at it. */
export class PollPage {
  readonly heading: Locator;
  readonly description: Locator;
  readonly connection: Locator;
  readonly pendingSync: Locator;
  readonly tryNow: Locator;
  readonly linkField: Locator;
  readonly copyLink: Locator;
  readonly openAsGuest: Locator;
  readonly closePoll: Locator;
  readonly reopenPoll: Locator;
  readonly edit: Locator;
  readonly editDialog: Locator;
  readonly editQuestion: Locator;
  readonly editDescription: Locator;
  readonly saveChanges: Locator;
  readonly cancelEdit: Locator;
  readonly present: Locator;
  readonly leavePresentation: Locator;
  readonly newOption: Locator;
  readonly addToPoll: Locator;
  readonly yourName: Locator;
  readonly saveName: Locator;
  readonly alerts: Locator;
  readonly dismiss: Locator;
  readonly backHome: Locator;
  readonly notices: Locator;
  readonly reload: Locator;
  readonly ballot: Locator;
  readonly voteButtons: Locator;
  readonly meters: Locator;
  readonly pendingLines: Locator;
  /** The live region, which has no role: what a screen reader was told last. */
  readonly readOut: Locator;

  constructor(private readonly page: Page) {
    const button = (name: string) => page.getByRole("button", { name, exact: true });
    const textbox = (name: string) => page.getByRole("textbox", { name, exact: true });
    this.heading = page.getByRole("heading", { level: 1 });
    this.description = page.getByRole("main").locator("header").getByRole("paragraph");
    this.connection = page.getByRole("status", { name: "Connection", exact: true });
    this.pendingSync = page.getByRole("status", { name: "Pending sync", exact: true });
    this.tryNow = button("Try now");
    this.linkField = textbox("Poll link");
    this.copyLink = button("Copy link");
    this.openAsGuest = page.getByRole("link", { name: "Open as a guest", exact: true });
    this.closePoll = button("Close poll");
    this.reopenPoll = button("Reopen poll");
    this.edit = button("Edit …");
    this.editDialog = page.getByRole("dialog", { name: "Edit this poll", exact: true });
    this.editQuestion = this.editDialog.getByRole("textbox", { name: "Question", exact: true });
    this.editDescription = this.editDialog.getByRole("textbox", { name: "Description", exact: true });
    this.saveChanges = this.editDialog.getByRole("button", { name: "Save changes", exact: true });
    this.cancelEdit = this.editDialog.getByRole("button", { name: "Cancel", exact: true });
    this.present = button("Present");
    this.leavePresentation = button("Leave presentation");
    this.newOption = textbox("New option");
    this.addToPoll = button("Add to poll");
    this.yourName = textbox("Your name");
    this.saveName = button("Save name");
    this.alerts = page.getByRole("main").getByRole("alert");
    this.dismiss = button("Dismiss");
    this.backHome = page.getByRole("banner").getByRole("link", { name: "Peerpoll", exact: true });
    this.notices = page.getByRole("region", { name: "About this browser" }).getByRole("listitem");
    this.reload = button("Reload this page");
    this.ballot = page.getByRole("region", { name: /^(Choose one|Choose as many as you like|Result)$/ });
    this.voteButtons = this.ballot.getByRole("button");
    this.meters = this.ballot.getByRole("meter");
    this.pendingLines = page.getByRole("region", { name: "Your vote", exact: true }).getByRole("listitem");
    this.readOut = page.locator("div[aria-live='polite']");
  }

  // --- what it shows ---------------------------------------------------------------------------

  async shown(question: string, timeout?: number): Promise<void> {
    await expect(this.heading).toHaveText(question, { timeout });
  }

  /** Presses `Try now` if the page still waits. It may start again by itself at any moment, which takes the button away. */
  async hurry(): Promise<void> {
    await this.tryNow.evaluateAll((buttons) => buttons.forEach((button) => (button as HTMLButtonElement).click()));
  }

  async isConnected(timeout?: number): Promise<void> {
    await expect(this.connection).toHaveText("Connected", { timeout });
  }

  /** Everything that the connection's status says from now on, what it says now included, however briefly. */
  writeDownConnection(): Promise<JSHandle<string[]>> {
    return this.connection.evaluateHandle((status) => {
      const said = [status.textContent ?? ""];
      new MutationObserver(() => {
        const now = status.textContent ?? "";
        if (now !== said.at(-1)) said.push(now);
      }).observe(status, { characterData: true, childList: true, subtree: true });
      return said;
    });
  }

  /** Words that have no role of their own: descriptions, causes, advice. */
  words(text: string): Locator {
    return this.page.getByText(text, { exact: true });
  }

  /** Why the connection stands as it does. What is due next may follow it. */
  cause(text: string): Locator {
    return this.page.getByText(text);
  }

  link(): Promise<string> {
    return this.linkField.inputValue();
  }

  voteButton(label: string): Locator {
    return this.page.getByRole("button", { name: `Vote for ${label}`, exact: true });
  }

  meter(label: string): Locator {
    return this.page.getByRole("meter", { name: label, exact: true });
  }

  /** Every option's votes, and how many people have voted. */
  async shows(votes: Record<string, number>, { voters, timeout }: { voters: number; timeout?: number }): Promise<void> {
    for (const [label, count] of Object.entries(votes)) {
      await expect(this.meter(label)).toHaveAttribute("value", String(count), { timeout });
      await expect(this.meter(label)).toHaveAttribute("max", String(voters), { timeout });
    }
  }

  async hasChosen(label: string, chosen = true): Promise<void> {
    await expect(this.voteButton(label)).toHaveAttribute("aria-pressed", String(chosen));
  }

  /** Nothing is unacked: everything of ours is in the owner's log. */
  async isSynced(timeout?: number): Promise<void> {
    await expect(this.pendingSync).toHaveCount(0, { timeout });
  }

  async isPending(count: number): Promise<void> {
    await expect(this.pendingSync).toHaveText(`Pending sync: ${count}`);
  }

  /** Voting is off, and the button itself says why. */
  async cannotVote(label: string, why: string | RegExp, timeout?: number): Promise<void> {
    await expect(this.voteButton(label)).toHaveAttribute("aria-disabled", "true", { timeout });
    await expect(this.voteButton(label)).toHaveAccessibleDescription(why, { timeout });
  }

  async canVote(label: string, timeout?: number): Promise<void> {
    await expect(this.voteButton(label)).not.toHaveAttribute("aria-disabled", { timeout });
  }

  /** The owner's receipt for our newest vote: `Confirmed – revision 2`. */
  receipt(revision: number): Locator {
    return this.page.getByText(`Confirmed – revision ${revision}`, { exact: true });
  }

  // --- what one does here ----------------------------------------------------------------------

  /**
   * Presses the button once it is there to be pressed and voting is on; whether anything comes of it is for the test to say.
   * Looking and pressing are one step: in between, a connection that has just ended could turn it off.
   */
  async press(label: string): Promise<void> {
    await expect(async () => {
      await this.voteButton(label).click({ trial: true });
      expect(await this.pressIfOn(label)).toBe(true);
    }).toPass({ timeout: PRESSED_MS });
  }

  /** Has the button pressed a moment later, as soon as voting is on: what that sets off can't keep the caller waiting. */
  async pressSoon(label: string): Promise<void> {
    await this.voteButton(label).evaluate((button: HTMLElement) => {
      const press = () => {
        if (button.getAttribute("aria-disabled") !== "true") return button.click();
        requestAnimationFrame(press);
      };
      setTimeout(press);
    });
  }

  /** Presses the button unless voting is off at that very moment, and says whether it was on. */
  pressIfOn(label: string): Promise<boolean> {
    return this.voteButton(label).evaluate((button: HTMLElement) => {
      const isOn = button.getAttribute("aria-disabled") !== "true";
      if (isOn) button.click();
      return isOn;
    });
  }

  /** Votes, and waits until the owner has confirmed it. */
  async vote(label: string): Promise<void> {
    await this.press(label);
    await this.hasChosen(label);
    await this.isSynced();
  }

  async suggest(label: string): Promise<void> {
    await this.newOption.fill(label);
    await this.addToPoll.click();
  }

  async callMyself(name: string): Promise<void> {
    await this.yourName.fill(name);
    await this.saveName.click();
  }

  // --- people ----------------------------------------------------------------------------------

  get people(): Locator {
    return this.page.getByRole("region", { name: "People", exact: true });
  }

  /** What everybody is called, the name alone. */
  get names(): Locator {
    return this.people.getByRole("listitem").locator("bdi");
  }

  person(name: string): Locator {
    return this.people.getByRole("listitem").filter({ hasText: name });
  }

  roleOf(name: string): Locator {
    return this.page.getByRole("combobox", { name: `Role of ${name}`, exact: true });
  }

  async give(name: string, role: Role): Promise<void> {
    await this.roleOf(name).selectOption(role);
  }
}
