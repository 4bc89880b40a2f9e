// Session descriptions, and what a signalling server makes of them on their way.

import type { Frame } from "./hostile";

/** The one line by which a browser names its certificate. */
export const FINGERPRINT = /^a=fingerprint:.*\r\n/m;
/** Where the part about the data channel begins; what stands before it is for the whole session. */
const MEDIA = /^m=/m;

export type Forge = (sdp: string) => string;

/** Puts this in the fingerprint's place. `$&` is the fingerprint that was there. */
export const named =
  (lines: string): Forge =>
  (sdp) =>
    sdp.replace(FINGERPRINT, lines);

/** Puts this before the part about the data channel. */
export const namedForSession =
  (lines: string): Forge =>
  (sdp) =>
    sdp.replace(MEDIA, `${lines}$&`);

/** An offer or an answer with another description. */
export function forged(frame: Frame, forge: Forge): Frame {
  const { sdp } = frame.payload;
  const text = forge(sdp.sdp);
  if (text === sdp.sdp) throw new Error("the description is what it was");
  return { ...frame, payload: { ...frame.payload, sdp: { ...sdp, sdp: text } } };
}

export function fingerprintIn({ payload: { sdp } }: Frame): string {
  const [line] = FINGERPRINT.exec(sdp.sdp) ?? [];
  if (line === undefined) throw new Error("the description names no certificate");
  return line;
}
