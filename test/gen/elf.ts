import { type FirmwareFacts, readFirmwareFacts } from "../../src/core/firmware/firmware-facts.ts";

export interface ElfOptions {
  readonly machine?: number;
  readonly class?: 32 | 64;
  readonly isBigEndian?: boolean;
  /** With `hasHeaders`, the segment begins with the ELF's own headers, from the file's first byte. */
  readonly segments?: readonly {
    address: number;
    virtualAddress?: number;
    fileBytes: number;
    memoryBytes?: number;
    hasHeaders?: boolean;
  }[];
}

/** A small ELF with headers that say what the options want. */
export function anElf(options: ElfOptions = {}): Buffer {
  const { machine = 40, class: bits = 32, isBigEndian = false, segments = [{ address: 0, fileBytes: 16 }] } = options;
  const is64 = bits === 64;
  const [headerBytes, entryBytes, word] = is64 ? [64, 56, 8] : [52, 32, 4];
  const dataStart = headerBytes + entryBytes * segments.length;
  const withHeaders = segments.filter((segment) => segment.hasHeaders).map(({ fileBytes }) => fileBytes);
  const dataBytes = segments.reduce((sum, { fileBytes, hasHeaders }) => sum + (hasHeaders ? 0 : fileBytes), 0);
  const bytes = Buffer.alloc(Math.max(dataStart + dataBytes, ...withHeaders));
  const put16 = (value: number, at: number) =>
    isBigEndian ? bytes.writeUInt16BE(value, at) : bytes.writeUInt16LE(value, at);
  const put32 = (value: number, at: number) =>
    isBigEndian ? bytes.writeUInt32BE(value, at) : bytes.writeUInt32LE(value, at);
  const put = (value: number, at: number) => {
    if (!is64) return put32(value, at);
    return isBigEndian ? bytes.writeBigUInt64BE(BigInt(value), at) : bytes.writeBigUInt64LE(BigInt(value), at);
  };
  bytes.set([0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, isBigEndian ? 2 : 1, 1]);
  put16(2, 16);
  put16(machine, 18);
  put(headerBytes, is64 ? 32 : 28);
  put16(entryBytes, is64 ? 54 : 42);
  put16(segments.length, is64 ? 56 : 44);
  let offset = dataStart;
  for (const [index, segment] of segments.entries()) {
    const at = headerBytes + index * entryBytes;
    const { address, virtualAddress = address, fileBytes, memoryBytes = fileBytes, hasHeaders } = segment;
    put32(1, at);
    const base = at + (is64 ? 8 : 4);
    for (const [place, value] of [hasHeaders ? 0 : offset, virtualAddress, address, fileBytes, memoryBytes].entries()) {
      put(value, base + place * word);
    }
    if (!hasHeaders) offset += fileBytes;
  }
  return bytes;
}

export function factsOf(bytes: Uint8Array): FirmwareFacts {
  const head = bytes.subarray(0, 64 * 1024);
  return readFirmwareFacts({ head, tail: bytes.subarray(-512), sizeBytes: bytes.length });
}
