// What a page has made of texts: read from the document, not as it is rendered, so that nothing is tidied on the way.

import { expect, type Locator, type Page } from "@playwright/test";

export const texts = (of: Locator): Promise<(string | null)[]> => of.evaluateAll((all) => all.map(({ textContent }) => textContent));

export const labels = (of: Locator): Promise<(string | null)[]> =>
  of.evaluateAll((all) => all.map((one) => one.getAttribute("aria-label")));

/** How many elements of each kind the page holds. */
export function elements(page: Page): Promise<Record<string, number>> {
  return page.evaluate(() => {
    const count: Record<string, number> = {};
    for (const { localName } of document.querySelectorAll("*")) count[localName] = (count[localName] ?? 0) + 1;
    return count;
  });
}

/** Nothing makes the page wider than its window. */
export async function staysWithin(page: Page): Promise<void> {
  const { width, content } = await page.evaluate(() => ({
    width: document.documentElement.clientWidth,
    content: document.documentElement.scrollWidth,
  }));
  expect(content).toBe(width);
}
