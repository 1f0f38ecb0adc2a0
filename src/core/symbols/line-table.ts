import { ByteReader } from "./byte-reader.ts";
import { textAt } from "./elf-sections.ts";

/** Sections that tell the lines of addresses (DWARF 2 to 5, 6.2). */
export interface LineSections {
  readonly lines: Uint8Array;
  /** .debug_line_str and .debug_str. */
  readonly lineTexts: Uint8Array;
  readonly texts: Uint8Array;
  readonly addressBytes: 4 | 8;
  readonly isLittleEndian: boolean;
}

export interface SourceLine {
  readonly file: string;
  readonly line: number;
}

/** What is known of an address so far; of two, the one whose code begins nearer is right: what was thrown away lies at 0. */
interface Found extends SourceLine {
  readonly sequenceStart: number;
}

interface LineHeader {
  readonly minInstructionBytes: number;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  readonly operandCounts: readonly number[];
  readonly files: readonly string[];
}

const MAX_NAMES = 20_000;

/** Bytes of a program that are carried out at a time. */
const STEP_BYTES = 16 * 1024;

/**
 * Looks for the lines of some addresses, some bytes at a time, which are told so that the caller can pause in between.
 * A unit that is not right ends at its fault, and what came before stays.
 */
export function* findLines(
  sections: LineSections,
  addresses: readonly number[],
): Generator<number, ReadonlyMap<number, SourceLine>> {
  const found = new Map<number, Found>();
  let at = 0;
  while (at + 4 <= sections.lines.length) {
    const length = new ByteReader(sections.lines, sections.isLittleEndian, at).u32();
    // The 64-bit format is for sections beyond 4 GiB.
    const end = at + 4 + length;
    if (length === 0 || length >= 0xfffffff0 || end > sections.lines.length) break;
    try {
      yield* readUnit(new ByteReader(sections.lines, sections.isLittleEndian, at + 4, end), sections, addresses, found);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      // The rest of this unit says nothing; the next one begins where its length said.
    }
    at = end;
    yield Math.min(length, STEP_BYTES);
  }
  return found;
}

function* readUnit(
  reader: ByteReader,
  sections: LineSections,
  addresses: readonly number[],
  found: Map<number, Found>,
): Generator<number, void> {
  const version = reader.u16();
  if (version < 2 || version > 5) return;
  if (version === 5) reader.skip(2);
  const headerBytes = reader.u32();
  const programAt = reader.at + headerBytes;
  const header = readHeader(reader, version, sections);
  reader.skip(programAt - reader.at);
  yield* runProgram(reader, header, addresses, found);
}

function readHeader(reader: ByteReader, version: number, sections: LineSections): LineHeader {
  const minInstructionBytes = reader.u8();
  if (version >= 4) reader.skip(1);
  reader.skip(1);
  const lineBase = reader.i8();
  const lineRange = reader.u8();
  const opcodeBase = reader.u8();
  const operandCounts = Array.from({ length: Math.max(0, opcodeBase - 1) }, () => reader.u8());
  const files = version === 5 ? readNames5(reader, sections) : readNames(reader);
  if (lineRange === 0) throw new RangeError("a line range of 0");
  return { minInstructionBytes, lineBase, lineRange, opcodeBase, operandCounts, files };
}

/** Names up to version 4: files are counted from 1. */
function readNames(reader: ByteReader): string[] {
  const folders = [""];
  for (let name = reader.text(); name !== ""; name = reader.text()) {
    if (folders.push(name) > MAX_NAMES) throw new RangeError("too many folders");
  }
  const files = [""];
  for (let name = reader.text(); name !== ""; name = reader.text()) {
    const folder = folders[reader.uleb()] ?? "";
    reader.uleb();
    reader.uleb();
    if (files.push(joined(folder, name)) > MAX_NAMES) throw new RangeError("too many files");
  }
  return files;
}

const CONTENT_PATH = 1;
const CONTENT_FOLDER = 2;

/** Names since version 5: folder 0 is that of the compilation, file 0 its own. */
function readNames5(reader: ByteReader, sections: LineSections): string[] {
  const folders = readEntries(reader, sections).map(({ path }) => path);
  return readEntries(reader, sections).map(({ path, folder }) =>
    joined(folder === 0 ? "" : (folders[folder] ?? ""), path),
  );
}

function readEntries(reader: ByteReader, sections: LineSections): { path: string; folder: number }[] {
  const format = Array.from({ length: reader.u8() }, () => ({ content: reader.uleb(), form: reader.uleb() }));
  const count = reader.uleb();
  if (count > MAX_NAMES || (format.length === 0 && count > 0)) throw new RangeError(`${count} names`);
  return Array.from({ length: count }, () => {
    const entry = { path: "", folder: 0 };
    for (const { content, form } of format) {
      const value = readForm(reader, form, sections);
      if (content === CONTENT_PATH) entry.path = String(value);
      if (content === CONTENT_FOLDER) entry.folder = Number(value);
    }
    return entry;
  });
}

/** DWARF 5, 7.5.6: those that line tables may have. */
function readForm(reader: ByteReader, form: number, { lineTexts, texts }: LineSections): string | number {
  switch (form) {
    case 0x08:
      return reader.text();
    case 0x1f:
      return textAt(lineTexts, reader.u32());
    case 0x0e:
      return textAt(texts, reader.u32());
    case 0x0b:
      return reader.u8();
    case 0x05:
      return reader.u16();
    case 0x06:
      return reader.u32();
    case 0x07:
      return reader.u64();
    case 0x0f:
      return reader.uleb();
    case 0x1e:
      reader.skip(16);
      return 0;
    case 0x09:
      reader.skip(reader.uleb());
      return 0;
    default:
      throw new RangeError(`form ${form}`);
  }
}

interface Row {
  readonly address: number;
  readonly file: number;
  readonly line: number;
}

/** Carries out a line-number program (DWARF 5, 6.2.5). */
function* runProgram(
  reader: ByteReader,
  header: LineHeader,
  addresses: readonly number[],
  found: Map<number, Found>,
): Generator<number, void> {
  let row: Row = { address: 0, file: 1, line: 1 };
  let last: Row | undefined;
  let sequenceStart = 0;
  const emit = () => {
    if (last === undefined) sequenceStart = row.address;
    else noteRange(last, row.address, sequenceStart);
    last = row;
  };
  const noteRange = (from: Row, end: number, start: number) => {
    for (const address of addresses) {
      if (address < from.address || address >= end) continue;
      const known = found.get(address);
      if (known && known.sequenceStart > start) continue;
      const file = header.files[from.file] ?? "";
      found.set(address, { file, line: from.line, sequenceStart: start });
    }
  };
  const advance = (operations: number, lines: number) => {
    row = { ...row, address: row.address + operations * header.minInstructionBytes, line: row.line + lines };
  };
  let pauseAt = reader.at + STEP_BYTES;
  while (!reader.isAtEnd) {
    if (reader.at >= pauseAt) {
      pauseAt = reader.at + STEP_BYTES;
      yield STEP_BYTES;
    }
    const opcode = reader.u8();
    if (opcode >= header.opcodeBase) {
      const adjusted = opcode - header.opcodeBase;
      advance(Math.floor(adjusted / header.lineRange), header.lineBase + (adjusted % header.lineRange));
      emit();
      continue;
    }
    switch (opcode) {
      case 0: {
        const length = reader.uleb();
        const next = reader.at + length;
        const extended = length === 0 ? 0 : reader.u8();
        if (extended === 1) {
          emit();
          last = undefined;
          row = { address: 0, file: 1, line: 1 };
        } else if (extended === 2) row = { ...row, address: reader.unsigned(length - 1) };
        reader.skip(next - reader.at);
        break;
      }
      case 1:
        emit();
        break;
      case 2:
        advance(reader.uleb(), 0);
        break;
      case 3:
        advance(0, reader.sleb());
        break;
      case 4:
        row = { ...row, file: reader.uleb() };
        break;
      case 8:
        advance(Math.floor((255 - header.opcodeBase) / header.lineRange), 0);
        break;
      case 9:
        row = { ...row, address: row.address + reader.u16() };
        break;
      default:
        // Of the others only the operands matter, which the header counts.
        for (let count = header.operandCounts[opcode - 1] ?? 0; count > 0; count -= 1) reader.uleb();
    }
  }
}

function joined(folder: string, name: string): string {
  return folder === "" || name.startsWith("/") ? name : `${folder}/${name}`;
}
