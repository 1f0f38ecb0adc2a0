import { END, FRAME_BYTES, START, unescapeBytes } from "./gdb-packet.ts";

/**
 * Writes of memory. QEMU's stub takes `M`, two digits a byte, and no `X`, which has the bytes as they are: half as many
 * packets for a debugger to wait for.
 */

const COLON = 0x3a;
/** The stub takes packets of 4 KiB. */
const MAX_PAYLOAD_BYTES = 4_094;
/** `X`, an address of 64 bits, a comma, a length, a colon. */
const MAX_HEAD_BYTES = 32;

/** A write of memory as packets that the stub takes. */
export interface MemoryWrite {
  readonly frames: readonly Uint8Array[];
}

/** What a packet `X` writes; undefined where it is none, or says something else than it holds. */
export function readBinaryWrite(payload: Uint8Array): MemoryWrite | undefined {
  const colon = payload.subarray(0, MAX_HEAD_BYTES).indexOf(COLON);
  const head = String.fromCharCode(...payload.subarray(0, Math.max(colon, 0)));
  const [, address = "", length = ""] = /^X([0-9a-fA-F]{1,16}),([0-9a-fA-F]{1,8})$/.exec(head) ?? [];
  if (address === "") return undefined;
  const bytes = unescapeBytes(payload.subarray(colon + 1));
  if (bytes.length !== Number.parseInt(length, 16)) return undefined;
  return { frames: framesOf(BigInt(`0x${address}`), bytes) };
}

function framesOf(address: bigint, bytes: Uint8Array): Uint8Array[] {
  const last = address + BigInt(bytes.length);
  const headBytes = headOf(last, MAX_PAYLOAD_BYTES).length;
  const count = Math.ceil((2 * bytes.length) / (MAX_PAYLOAD_BYTES - headBytes - 1));
  const size = Math.ceil(bytes.length / count);
  return Array.from({ length: count }, (_, place) =>
    writeFrame(address + BigInt(place * size), bytes.subarray(place * size, (place + 1) * size)),
  );
}

function headOf(address: bigint, length: number): string {
  return `M${address.toString(16)},${length.toString(16)}:`;
}

/** In one pass: a debugger that loads a firmware waits for it. */
function writeFrame(address: bigint, bytes: Uint8Array): Uint8Array {
  const head = headOf(address, bytes.length);
  const frame = new Uint8Array(head.length + 2 * bytes.length + FRAME_BYTES);
  let at = 1;
  let sum = 0;
  frame[0] = START;
  for (let place = 0; place < head.length; place += 1) {
    const character = head.charCodeAt(place);
    frame[at++] = character;
    sum += character;
  }
  for (let place = 0; place < bytes.length; place += 1) {
    const byte = bytes[place] as number;
    const [high, low] = [digitOf(byte >> 4), digitOf(byte & 0xf)];
    frame[at++] = high;
    frame[at++] = low;
    sum += high + low;
  }
  frame[at++] = END;
  frame[at++] = digitOf((sum >> 4) & 0xf);
  frame[at] = digitOf(sum & 0xf);
  return frame;
}

/** The character of a hexadecimal digit. */
function digitOf(value: number): number {
  return value < 10 ? 0x30 + value : 0x61 + value - 10;
}
