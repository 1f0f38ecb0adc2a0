import { HeldBytes } from "../wire/held-bytes.ts";

/**
 * Packets of GDB's remote serial protocol: `$payload#checksum`, where the checksum is the sum of the payload's bytes in
 * two hexadecimal digits. https://sourceware.org/gdb/current/onlinedocs/gdb.html/Remote-Protocol.html
 */

const START = 0x24;
const END = 0x23;
const ESCAPE = 0x7d;
const REPEAT = 0x2a;
const ACK = 0x2b;
const NAK = 0x2d;
const BREAK = 0x03;
/** An escaped byte is sent with this bit changed. */
const ESCAPE_MASK = 0x20;
/** `$`, `#` and two digits. */
const FRAME_BYTES = 4;

export type GdbElement =
  | { readonly type: "ack" }
  | { readonly type: "nak" }
  /** Ctrl-C: stop the CPU. */
  | { readonly type: "break" }
  /** A packet as it came; `payload` is within `frame`, escaped as it was. */
  | { readonly type: "packet"; readonly frame: Uint8Array; readonly payload: Uint8Array }
  /** A packet whose checksum is wrong. */
  | { readonly type: "broken" };

/** A packet became longer than what is taken. Nothing sensible can follow. */
export class GdbPacketTooLarge extends RangeError {
  constructor(maxPayloadBytes: number) {
    super(`a packet is larger than ${maxPayloadBytes} bytes`);
  }
}

const ONE_BYTE: Readonly<Record<number, GdbElement>> = {
  [ACK]: { type: "ack" },
  [NAK]: { type: "nak" },
  [BREAK]: { type: "break" },
};

/** Turns a stream of bytes into what they say, whatever its chunks are. Holds at most one unfinished packet. */
export class GdbDecoder {
  readonly #maxPayloadBytes: number;
  readonly #pending = new HeldBytes();
  /** So far the end of the unfinished packet was looked for. */
  #searchedBytes = 0;
  #ignoredBytes = 0;

  constructor(maxPayloadBytes: number) {
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /** Bytes between packets that say nothing. */
  get ignoredBytes(): number {
    return this.#ignoredBytes;
  }

  /** @throws {GdbPacketTooLarge} */
  decode(chunk: Uint8Array): GdbElement[] {
    const isHeld = this.#pending.length > 0;
    if (isHeld) this.#pending.push(chunk);
    const bytes = isHeld ? this.#pending.peek() : chunk;
    const elements: GdbElement[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (bytes[at] !== START) {
        const element = ONE_BYTE[bytes[at] as number];
        if (element) elements.push(element);
        else this.#ignoredBytes += 1;
        at += 1;
        continue;
      }
      const end = bytes.indexOf(END, at === 0 && isHeld ? this.#searchedBytes : at + 1);
      const payloadBytes = (end === -1 ? bytes.length : end) - at - 1;
      if (payloadBytes > this.#maxPayloadBytes) throw new GdbPacketTooLarge(this.#maxPayloadBytes);
      if (end === -1 || end + 2 >= bytes.length) {
        this.#searchedBytes = (end === -1 ? bytes.length : end) - at;
        break;
      }
      elements.push(packetOf(bytes.subarray(at, end + 3)));
      at = end + 3;
    }
    // Copied, so that a small rest does not keep a large chunk, nor change under the packets before it.
    if (isHeld && at > 0) this.#pending.take();
    if (at > 0 || !isHeld) this.#pending.push(bytes.subarray(at));
    return elements;
  }
}

/** A packet around a payload that holds none of the bytes that have to be escaped, or holds them escaped. */
export function framePayload(payload: string | Uint8Array): Uint8Array {
  const bytes = typeof payload === "string" ? latin1Bytes(payload) : payload;
  const frame = new Uint8Array(bytes.length + FRAME_BYTES);
  frame[0] = START;
  frame.set(bytes, 1);
  frame[bytes.length + 1] = END;
  frame.set(hexDigits(Uint8Array.of(checksumOf(bytes))), bytes.length + 2);
  return frame;
}

/** Bytes as they stand in a payload. */
export function escapeBytes(bytes: Uint8Array): Uint8Array {
  const escaped: number[] = [];
  for (const byte of bytes) {
    if (byte === START || byte === END || byte === ESCAPE || byte === REPEAT) escaped.push(ESCAPE, byte ^ ESCAPE_MASK);
    else escaped.push(byte);
  }
  return Uint8Array.from(escaped);
}

/** The bytes that a payload stands for. Runs (`*`) are what only stubs send, and QEMU's does not. */
export function unescapeBytes(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(payload.length);
  let length = 0;
  for (let at = 0; at < payload.length; at += 1) {
    if (payload[at] !== ESCAPE) bytes[length++] = payload[at] as number;
    else if (at + 1 < payload.length) bytes[length++] = (payload[++at] as number) ^ ESCAPE_MASK;
  }
  return bytes.subarray(0, length);
}

/** Text as the protocol writes it where it must not be mistaken for anything else. */
export function hexOf(bytes: Uint8Array): string {
  return payloadText(hexDigits(bytes));
}

/** The same as it stands in a payload, behind a text. Firmware comes through here. */
export function hexDigits(bytes: Uint8Array, head = ""): Uint8Array {
  const digits = new Uint8Array(head.length + 2 * bytes.length);
  digits.set(latin1Bytes(head));
  let to = head.length;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] as number;
    digits[to++] = digitOf(byte >> 4);
    digits[to++] = digitOf(byte & 0xf);
  }
  return digits;
}

/** Bytes of hexadecimal digits; undefined for anything else. */
export function bytesOfHex(text: string): Uint8Array | undefined {
  if (!/^([0-9a-fA-F]{2})*$/.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, place) =>
    Number.parseInt(text.slice(2 * place, 2 * place + 2), 16),
  );
}

/** The payload as text, a character for a byte. */
export function payloadText(payload: Uint8Array, maxBytes = payload.length): string {
  let text = "";
  const end = Math.min(payload.length, maxBytes);
  for (let at = 0; at < end; at += 1) text += String.fromCharCode(payload[at] as number);
  return text;
}

function packetOf(frame: Uint8Array): GdbElement {
  const payload = frame.subarray(1, frame.length - 3);
  const told = payloadText(frame.subarray(frame.length - 2));
  const isIntact = told.toLowerCase() === hexOf(Uint8Array.of(checksumOf(payload)));
  return isIntact ? { type: "packet", frame, payload } : { type: "broken" };
}

function checksumOf(bytes: Uint8Array): number {
  let sum = 0;
  // By place: a loop over the bytes themselves takes three times as long, and firmware comes through here.
  for (let at = 0; at < bytes.length; at += 1) sum += bytes[at] as number;
  return sum & 0xff;
}

/** The character of a hexadecimal digit. */
function digitOf(value: number): number {
  return value < 10 ? 0x30 + value : 0x61 + value - 10;
}

function latin1Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}
