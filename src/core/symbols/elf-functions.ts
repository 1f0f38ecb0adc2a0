import { ByteReader } from "./byte-reader.ts";
import { type ElfFile, textAt } from "./elf-sections.ts";

export interface ElfFunction {
  readonly name: string;
  readonly start: number;
  /** 0 where nobody says, as of labels in assembly. */
  readonly sizeBytes: number;
}

const SYMBOL_TABLE = 2;
const FUNCTION = 2;
const LABEL = 0;
const ARM = 40;
const MAX_SYMBOLS = 500_000;
/** A label without a size is for no more code than this. */
const LABEL_BYTES = 4_096;
/** Labels that one function may have. */
const MAX_LABELS = 64;
/** `$x`, `$d` and their like say what the bytes are, and local labels nothing. */
const NO_NAME = /^(\$|\.L|L\d|$)/;

/** The functions of an ELF, by address. @throws {RangeError} */
export function readFunctions({ sections, class: bits, isLittleEndian, machine }: ElfFile): ElfFunction[] {
  const table = sections.find(({ type }) => type === SYMBOL_TABLE);
  const names = table && sections[table.link]?.bytes;
  if (!table || !names) return [];
  const reader = new ByteReader(table.bytes, isLittleEndian);
  const entryBytes = bits === 64 ? 24 : 16;
  const count = Math.min(Math.floor(table.bytes.length / entryBytes), MAX_SYMBOLS);
  const functions: ElfFunction[] = [];
  for (let index = 0; index < count; index += 1) {
    const symbol = bits === 64 ? readWide(reader) : readNarrow(reader);
    const type = symbol.info & 0xf;
    const isInCode = sections[symbol.section]?.isCode === true;
    if (!isInCode || (type !== FUNCTION && type !== LABEL)) continue;
    const name = textAt(names, symbol.name);
    if (NO_NAME.test(name)) continue;
    // Thumb functions have the lowest bit set.
    const start = machine === ARM && type === FUNCTION ? symbol.value - (symbol.value % 2) : symbol.value;
    functions.push({ name, start, sizeBytes: symbol.sizeBytes });
  }
  return functions.toSorted((one, other) => one.start - other.start || one.sizeBytes - other.sizeBytes);
}

/** The function that an address lies in. */
export function functionAt(functions: readonly ElfFunction[], address: number): ElfFunction | undefined {
  let low = 0;
  let high = functions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((functions[middle] as ElfFunction).start <= address) low = middle + 1;
    else high = middle;
  }
  const found = functions[low - 1];
  // A label within a function is no function of its own.
  for (let place = low - 1; place >= 0 && place > low - MAX_LABELS; place -= 1) {
    const { start, sizeBytes } = functions[place] as ElfFunction;
    if (sizeBytes > 0 && address < start + sizeBytes) return functions[place];
  }
  return found && found.sizeBytes === 0 && address < found.start + LABEL_BYTES ? found : undefined;
}

function readNarrow(reader: ByteReader) {
  const name = reader.u32();
  const value = reader.u32();
  const sizeBytes = reader.u32();
  const info = reader.u8();
  reader.skip(1);
  return { name, value, sizeBytes, info, section: reader.u16() };
}

function readWide(reader: ByteReader) {
  const name = reader.u32();
  const info = reader.u8();
  reader.skip(1);
  const section = reader.u16();
  return { name, info, section, value: reader.u64(), sizeBytes: reader.u64() };
}
