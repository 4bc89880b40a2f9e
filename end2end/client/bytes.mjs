// Byte strings, their text forms, and the writer behind everything that is signed.

const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";
const utf8 = new TextEncoder();

/** RFC 4648 base32 in lower case, without padding. */
export function toBase32(bytes) {
  let text = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? text + BASE32[(held << (5 - bits)) & 31] : text;
}

/** Throws at any other character, at any other length, and at trailing bits that are not zero. */
export function fromBase32(text) {
  const bytes = [];
  let bits = 0;
  let held = 0;
  for (const character of text) {
    const value = BASE32.indexOf(character);
    if (value < 0) throw new Error(`no base32 character: ${character}`);
    held = (held << 5) | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((held >> bits) & 255);
    }
    held &= (1 << bits) - 1;
  }
  if (bits >= 5 || held !== 0) throw new Error("base32 ends in the middle of a byte");
  return Uint8Array.from(bytes);
}

/** Base64url without padding. */
export function toBase64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

export function fromBase64url(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
}

export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function fromHex(text) {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export function uuidToBytes(uuid) {
  return fromHex(uuid.replaceAll("-", ""));
}

export function bytesToUuid(bytes) {
  return toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export function areEqual(a, b) {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

export async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

export function randomBytes(length) {
  return crypto.getRandomValues(new Uint8Array(length));
}

/** Writes a transcript: a domain and a zero byte first, numbers big-endian. */
export class Transcript {
  #parts = [];

  constructor(domain) {
    if (domain !== undefined) this.text(domain).u8(0);
  }

  raw(bytes) {
    this.#parts.push(Uint8Array.from(bytes));
    return this;
  }

  text(text) {
    return this.raw(utf8.encode(text));
  }

  u8(value) {
    return this.raw([value]);
  }

  u16(value) {
    return this.#number(2, (view) => view.setUint16(0, value));
  }

  u32(value) {
    return this.#number(4, (view) => view.setUint32(0, value));
  }

  u64(value) {
    return this.#number(8, (view) => view.setBigUint64(0, BigInt(value)));
  }

  /** A `u16` length and the bytes. */
  lp16(bytes) {
    return this.u16(bytes.length).raw(bytes);
  }

  /** A `u32` length and the bytes. */
  lp32(bytes) {
    return this.u32(bytes.length).raw(bytes);
  }

  lp16Text(text) {
    return this.lp16(utf8.encode(text));
  }

  lp32Text(text) {
    return this.lp32(utf8.encode(text));
  }

  /** A presence byte, and the text if there is one. */
  optionalText(text) {
    return text === undefined ? this.u8(0) : this.u8(1).lp32Text(text);
  }

  finish() {
    const bytes = new Uint8Array(this.#parts.reduce((length, part) => length + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  digest() {
    return sha256(this.finish());
  }

  #number(length, write) {
    const bytes = new Uint8Array(length);
    write(new DataView(bytes.buffer));
    return this.raw(bytes);
  }
}
