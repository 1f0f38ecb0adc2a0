import { isElf } from "../firmware/elf.ts";
import { ByteReader } from "./byte-reader.ts";

export interface ElfSection {
  readonly name: string;
  /** sh_type, such as SHT_SYMTAB. */
  readonly type: number;
  /** Executed by the CPU. */
  readonly isCode: boolean;
  readonly isCompressed: boolean;
  /** Index of the section that it refers to. */
  readonly link: number;
  readonly bytes: Uint8Array;
}

export interface ElfFile {
  readonly class: 32 | 64;
  readonly isLittleEndian: boolean;
  readonly machine: number;
  readonly sections: readonly ElfSection[];
}

const NO_BITS = 8;
const EXECUTED = 4;
const COMPRESSED = 0x800;
/** Any number of names may point to one text. */
const MAX_TEXT_BYTES = 1_024;
/** Far more than any linked firmware has. */
const MAX_SECTIONS = 4_096;

/** The sections of an ELF (System V ABI, chapter 4). @throws {RangeError} where its tables lie outside the file */
export function readElfSections(file: Uint8Array): ElfFile | undefined {
  if (!isElf(file)) return undefined;
  const bits = file[4] === 2 ? 64 : 32;
  const isLittleEndian = file[5] !== 2;
  const wide = bits / 8;
  const header = new ByteReader(file, isLittleEndian, 18);
  const machine = header.u16();
  header.skip(4 + 2 * wide);
  const tableAt = header.unsigned(wide);
  header.skip(10);
  const entryBytes = header.u16();
  const count = Math.min(header.u16(), MAX_SECTIONS);
  const namesIndex = header.u16();
  if (tableAt === 0 || count === 0) return { class: bits, isLittleEndian, machine, sections: [] };
  const raw = Array.from({ length: count }, (_, index) => {
    const entry = new ByteReader(file, isLittleEndian, tableAt + index * entryBytes);
    const name = entry.u32();
    const type = entry.u32();
    const flags = entry.unsigned(wide);
    entry.skip(wide);
    const at = entry.unsigned(wide);
    const sizeBytes = entry.unsigned(wide);
    const bytes = type === NO_BITS ? file.subarray(0, 0) : file.subarray(at, at + sizeBytes);
    return {
      name,
      type,
      isCode: (flags & EXECUTED) !== 0,
      isCompressed: (flags & COMPRESSED) !== 0,
      link: entry.u32(),
      bytes,
    };
  });
  const names = raw[namesIndex]?.bytes ?? new Uint8Array(0);
  const sections = raw.map((one) => ({ ...one, name: textAt(names, one.name) }));
  return { class: bits, isLittleEndian, machine, sections };
}

/** A text in a table of texts, as far as it is looked at; empty where there is none. */
export function textAt(table: Uint8Array, offset: number): string {
  const text = table.subarray(offset, offset + MAX_TEXT_BYTES);
  const end = text.indexOf(0);
  return new TextDecoder().decode(end === -1 ? text : text.subarray(0, end));
}
