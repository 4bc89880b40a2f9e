// The files in which Chromium keeps IndexedDB, as a kill or a bad disk leaves them. For browsers that do not run.

import { appendFile, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** A log is a row of blocks, and a record's head is never split between two of them. */
const BLOCK_BYTES = 32_768;
/** A checksum, the length 100, and the kind: a whole record. */
const HEAD = Buffer.from([1, 2, 3, 4, 100, 0, 1]);

/** The log that a profile's databases are written to at present. */
export async function logOf(profile: string): Promise<string> {
  const log = (await logsIn(profile)).at(-1);
  if (log === undefined) throw new Error("this profile has no database");
  return log;
}

/** All logs that there are, the newest last. Made for profiles that have visited one site. */
export async function logsIn(profile: string): Promise<string[]> {
  const root = join(profile, "Default", "IndexedDB");
  const files = await readdir(root, { recursive: true });
  return files.filter((file) => file.endsWith(".log")).sort().map((file) => join(root, file));
}

/** Killed between the two writes that make a record: its head stands there alone. */
export async function tear(log: string): Promise<void> {
  const left = BLOCK_BYTES - ((await stat(log)).size % BLOCK_BYTES);
  await appendFile(log, Buffer.concat([Buffer.alloc(left < HEAD.length ? left : 0), HEAD]));
}

/** One byte in the middle is another than was written. */
export async function damage(log: string): Promise<void> {
  const file = await open(log, "r+");
  try {
    const middle = Math.floor((await file.stat()).size / 2);
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, middle);
    buffer[0] ^= 0xff;
    await file.write(buffer, 0, 1, middle);
  } finally {
    await file.close();
  }
}
