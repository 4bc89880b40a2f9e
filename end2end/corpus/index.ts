// Texts that try to be more than text. Each with what the page makes of it when it is typed: what is clean stays as it is.

import { readFile } from "node:fs/promises";

export type Text = {
  what: string;
  typed: string;
  shown: string;
  /** Whether the wire takes it as it is. */
  clean: boolean;
};

export type Shown = Pick<Text, "typed" | "shown">;

export const TEXTS: Text[] = JSON.parse(await readFile(new URL("texts.json", import.meta.url), "utf8"));

const BETWEEN = " · ";

/** The same in fewer and longer texts, each as long as a field of `max` characters takes. */
export function joined(texts: Text[], max: number): Shown[] {
  const all: Shown[] = [];
  for (const { typed, shown } of texts) {
    const last = all.at(-1);
    const longer = `${last?.typed}${BETWEEN}${typed}`;
    if (last === undefined || [...longer].length > max) all.push({ typed, shown });
    else Object.assign(last, { typed: longer, shown: `${last.shown}${BETWEEN}${shown}` });
  }
  return all;
}
