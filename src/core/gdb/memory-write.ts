import { framePayload, hexDigits, unescapeBytes } from "./gdb-packet.ts";

/**
 * Writes of memory. Stock QEMU's stub takes `M`, two digits a byte, and no `X`, which has the bytes as they are: half as
 * many packets for a debugger to wait for.
 */

const COLON = 0x3a;
/** The stub takes packets of 4 KiB. */
const MAX_PAYLOAD_BYTES = 4_094;
/** `X`, an address of 64 bits, a comma, a length, a colon. */
const MAX_HEAD_BYTES = 32;

/** A packet `X` as packets that the stub takes; undefined where it is none, or says something else than it holds. */
export function splitBinaryWrite(payload: Uint8Array): Uint8Array[] | undefined {
  const colon = payload.subarray(0, MAX_HEAD_BYTES).indexOf(COLON);
  const head = String.fromCharCode(...payload.subarray(0, Math.max(colon, 0)));
  const [, address = "", length = ""] = /^X([0-9a-fA-F]{1,16}),([0-9a-fA-F]{1,8})$/.exec(head) ?? [];
  if (address === "") return undefined;
  const bytes = unescapeBytes(payload.subarray(colon + 1));
  if (bytes.length !== Number.parseInt(length, 16)) return undefined;
  return framesOf(BigInt(`0x${address}`), bytes);
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

function writeFrame(address: bigint, bytes: Uint8Array): Uint8Array {
  return framePayload(hexDigits(bytes, headOf(address, bytes.length)));
}

function headOf(address: bigint, length: number): string {
  return `M${address.toString(16)},${length.toString(16)}:`;
}
