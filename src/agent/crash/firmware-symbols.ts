import { readFile, stat } from "node:fs/promises";
import { promisify } from "node:util";
import { inflate } from "node:zlib";
import { ByteReader } from "../../core/symbols/byte-reader.ts";
import { type ElfFunction, functionAt, readFunctions } from "../../core/symbols/elf-functions.ts";
import { type ElfFile, readElfSections } from "../../core/symbols/elf-sections.ts";
import { findLines, type SourceLine } from "../../core/symbols/line-table.ts";

/** A firmware is small; one that is not shall not hold the agent up. */
const MAX_ELF_BYTES = 128 * 1024 * 1024;
const MAX_LINE_BYTES = 16 * 1024 * 1024;
const MAX_TEXT_BYTES = 64 * 1024 * 1024;
/** Bytes of line tables that are read before others have their turn. */
const TURN_BYTES = 128 * 1024;
const ZLIB = 1;
const MAX_NAME_LENGTH = 200;

const decompress = promisify(inflate);

/** What lies at an address, as far as the ELF says. */
export interface CodePlace extends Partial<SourceLine> {
  readonly function: string;
  /** Bytes from the function's begin. */
  readonly offset: number;
}

/** Functions and lines of one ELF. */
export interface FirmwareSymbols {
  /** The places of these addresses; those outside all functions are left out. */
  placesOf(addresses: readonly number[]): Promise<ReadonlyMap<number, CodePlace>>;
}

/** The symbols of a firmware; undefined for one without any. Nothing that its maker can write makes this fail. */
export async function openSymbols(path: string): Promise<FirmwareSymbols | undefined> {
  try {
    if ((await stat(path)).size > MAX_ELF_BYTES) return undefined;
    const elf = readElfSections(await readFile(path));
    const functions = elf ? readFunctions(elf) : [];
    if (!elf || functions.length === 0) return undefined;
    return { placesOf: (addresses) => placesOf(elf, functions, addresses) };
  } catch {
    // Tables that lie, or a file that has gone: a crash is told without its place then.
    return undefined;
  }
}

async function placesOf(
  elf: ElfFile,
  functions: readonly ElfFunction[],
  addresses: readonly number[],
): Promise<ReadonlyMap<number, CodePlace>> {
  const inFunctions = addresses.flatMap((address) => {
    const found = functionAt(functions, address);
    return found ? [{ address, found }] : [];
  });
  const lines = await linesOf(
    elf,
    inFunctions.map(({ address }) => address),
  ).catch(() => new Map<number, SourceLine>());
  return new Map(
    inFunctions.map(({ address, found }) => {
      const line = lines.get(address);
      const place = { function: printable(found.name), offset: address - found.start };
      return [address, line && line.line > 0 ? { ...place, file: printable(line.file), line: line.line } : place];
    }),
  );
}

async function linesOf(elf: ElfFile, addresses: readonly number[]): Promise<ReadonlyMap<number, SourceLine>> {
  if (addresses.length === 0) return new Map();
  const section = (name: string, maxBytes: number) => sectionBytes(elf, name, maxBytes);
  const units = findLines(
    {
      lines: await section(".debug_line", MAX_LINE_BYTES),
      lineTexts: await section(".debug_line_str", MAX_TEXT_BYTES),
      texts: await section(".debug_str", MAX_TEXT_BYTES),
      addressBytes: elf.class === 64 ? 8 : 4,
      isLittleEndian: elf.isLittleEndian,
    },
    addresses,
  );
  let bytes = 0;
  for (;;) {
    const unit = units.next();
    if (unit.done) return unit.value;
    bytes += unit.value;
    if (bytes < TURN_BYTES) continue;
    bytes = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function sectionBytes(elf: ElfFile, name: string, maxBytes: number): Promise<Uint8Array> {
  const section = elf.sections.find((one) => one.name === name);
  if (!section) return new Uint8Array(0);
  if (!section.isCompressed) return section.bytes.subarray(0, maxBytes);
  const header = new ByteReader(section.bytes, elf.isLittleEndian);
  if (header.u32() !== ZLIB) return new Uint8Array(0);
  const headerBytes = elf.class === 64 ? 24 : 12;
  return await decompress(section.bytes.subarray(headerBytes), { maxOutputLength: maxBytes });
}

/** Names of a firmware go into reports and terminals. */
function printable(name: string): string {
  return name.replaceAll(/[^\x20-\x7e\u00a0-\uffff]/g, "?").slice(0, MAX_NAME_LENGTH);
}
