import { readElf } from "../../src/core/firmware/elf.ts";

/** Bytes and where they are loaded to. */
export interface Piece {
  address: number;
  bytes: Buffer;
}

/** The bytes of an ELF from its lowest load address on, as `objcopy -O binary` makes them. */
export function rawImage(elf: Buffer): Buffer {
  const pieces = piecesOf(elf);
  const start = Math.min(...pieces.map(({ address }) => address));
  const image = Buffer.alloc(Math.max(...pieces.map(({ address, bytes }) => address + bytes.length)) - start);
  for (const { address, bytes } of pieces) bytes.copy(image, address - start);
  return image;
}

/** The same as Intel HEX. */
export function intelHex(elf: Buffer): string {
  return intelHexOf(piecesOf(elf));
}

/** Records of 16 bytes, with an extended linear address wherever the upper half changes. */
export function intelHexOf(pieces: readonly Piece[]): string {
  const records: string[] = [];
  let upper = -1;
  for (const { address, bytes } of pieces) {
    for (let at = 0; at < bytes.length; at += 16) {
      const here = address + at;
      if (here >>> 16 !== upper) {
        upper = here >>> 16;
        records.push(record(4, 0, Buffer.from([upper >>> 8, upper & 0xff])));
      }
      // A record never crosses into the next 64 KiB: images start at multiples of 16.
      records.push(record(0, here & 0xffff, bytes.subarray(at, at + 16)));
    }
  }
  return `${[...records, record(1, 0, Buffer.alloc(0))].join("\n")}\n`;
}

function record(type: number, address: number, data: Buffer): string {
  const bytes = Buffer.from([data.length, address >>> 8, address & 0xff, type, ...data]);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  return `:${bytes.toString("hex").toUpperCase()}${(-sum & 0xff).toString(16).toUpperCase().padStart(2, "0")}`;
}

/** What the program headers load; their file offsets are read here, since the farm itself needs none. */
function piecesOf(elf: Buffer): Piece[] {
  const { class: bits, segments } = readElf(elf);
  const is64 = bits === 64;
  const table = is64 ? Number(elf.readBigUInt64LE(32)) : elf.readUInt32LE(28);
  const entryBytes = elf.readUInt16LE(is64 ? 54 : 42);
  const count = elf.readUInt16LE(is64 ? 56 : 44);
  const offsets = Array.from({ length: count }, (_, index) => table + index * entryBytes)
    .filter((at) => elf.readUInt32LE(at) === 1)
    .map((at) => (is64 ? Number(elf.readBigUInt64LE(at + 8)) : elf.readUInt32LE(at + 4)));
  return segments.flatMap(({ physicalAddress, fileBytes }, index) => {
    const offset = offsets[index] ?? 0;
    return fileBytes === 0 ? [] : [{ address: physicalAddress, bytes: elf.subarray(offset, offset + fileBytes) }];
  });
}
