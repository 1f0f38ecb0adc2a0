/** A segment that is loaded (PT_LOAD). */
export interface ElfSegment {
  readonly physicalAddress: number;
  readonly virtualAddress: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
  /**
   * Bytes at its start that nothing of the program is in: linkers let the first segment begin with the ELF's own
   * headers, and with zeros up to the first section, where these fit into its page.
   */
  readonly headerBytes: number;
}

/** What the headers of an ELF say. */
export interface ElfFacts {
  /** Name of the machine as boards write it, or its number. */
  readonly machine: string;
  readonly class: 32 | 64;
  readonly isLittleEndian: boolean;
  readonly segments: readonly ElfSegment[];
  /** False where program headers lie behind the bytes that were looked at. */
  readonly areSegmentsKnown: boolean;
  /** Bytes that the file has at least, by its own headers. */
  readonly promisedBytes: number;
}

const MACHINES: Readonly<Record<number, string>> = {
  2: "sparc",
  3: "386",
  4: "m68k",
  8: "mips",
  20: "powerpc",
  21: "powerpc64",
  22: "s390",
  40: "arm",
  42: "superh",
  62: "x86_64",
  83: "avr",
  94: "xtensa",
  105: "msp430",
  183: "aarch64",
  243: "riscv",
  247: "bpf",
  258: "loongarch",
};

const PT_LOAD = 1;
const CLASS_OFFSET = 4;
const DATA_OFFSET = 5;
const HEADER_BYTES = { 32: 52, 64: 64 } as const;
const SEGMENT_BYTES = { 32: 32, 64: 56 } as const;

export function isElf(head: Uint8Array): boolean {
  return head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46;
}

/**
 * Reads the headers (System V ABI, chapters 4 and 5). Where the file is too short for them, only what it promises is
 * right; program headers that lie behind the given bytes are not seen.
 */
export function readElf(head: Uint8Array): ElfFacts {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const bits = head[CLASS_OFFSET] === 2 ? 64 : 32;
  const isLittleEndian = head[DATA_OFFSET] !== 2;
  const headerBytes = HEADER_BYTES[bits];
  const facts = {
    machine: "unknown",
    class: bits,
    isLittleEndian,
    segments: [],
    areSegmentsKnown: false,
    promisedBytes: headerBytes,
  } as const;
  if (head.length < headerBytes) return facts;

  const fields = createFields(view, bits, isLittleEndian);
  const machine = fields.half(18);
  const programs = fields.table(bits === 64 ? 32 : 28, bits === 64 ? 54 : 42);
  const sections = fields.table(bits === 64 ? 40 : 32, bits === 64 ? 58 : 46);
  // Headers that lie over each other are none: looking through them would take the square of their number.
  const count = programs.entryBytes < SEGMENT_BYTES[bits] ? 0 : programs.count;
  const headers = Array.from({ length: count }, (_, index) => programs.offset + index * programs.entryBytes)
    .filter((offset) => offset + SEGMENT_BYTES[bits] <= head.length)
    .map((offset) => fields.segment(offset));
  // The table of program headers follows the ELF header, or lies somewhere else and in no segment.
  const headersEnd = programs.offset === headerBytes ? programs.end : headerBytes;
  return {
    ...facts,
    machine: MACHINES[machine] ?? String(machine),
    segments: headers
      .filter(({ type }) => type === PT_LOAD)
      .map(({ offset, segment }) => ({ ...segment, headerBytes: countHeaderBytes(head, headersEnd, offset, segment) })),
    areSegmentsKnown: headers.length === programs.count,
    promisedBytes: Math.max(
      headerBytes,
      programs.end,
      sections.end,
      ...headers.map(({ offset, segment }) => (segment.fileBytes === 0 ? 0 : offset + segment.fileBytes)),
    ),
  };
}

function countHeaderBytes(
  head: Uint8Array,
  headersEnd: number,
  offset: number,
  { fileBytes }: Pick<ElfSegment, "fileBytes">,
): number {
  if (offset >= headersEnd) return 0;
  const end = Math.min(head.length, offset + fileBytes);
  let at = Math.min(headersEnd, end);
  while (at < end && head[at] === 0) at += 1;
  return at - offset;
}

interface Table {
  readonly offset: number;
  readonly entryBytes: number;
  readonly count: number;
  readonly end: number;
}

function createFields(view: DataView, bits: 32 | 64, isLittleEndian: boolean) {
  const half = (offset: number) => view.getUint16(offset, isLittleEndian);
  const word = (offset: number) => view.getUint32(offset, isLittleEndian);
  // A 64-bit number beyond 2^53 loses digits, and is far outside any memory either way.
  const native = (offset: number) => (bits === 64 ? Number(view.getBigUint64(offset, isLittleEndian)) : word(offset));
  return {
    half,
    table(offsetField: number, sizesField: number): Table {
      const offset = native(offsetField);
      const entryBytes = half(sizesField);
      const count = half(sizesField + 2);
      return { offset, entryBytes, count, end: count === 0 || offset === 0 ? 0 : offset + entryBytes * count };
    },
    segment(at: number) {
      const step = bits === 64 ? 8 : 4;
      const base = at + (bits === 64 ? 8 : 4);
      return {
        type: word(at),
        offset: native(base),
        segment: {
          virtualAddress: native(base + step),
          physicalAddress: native(base + 2 * step),
          fileBytes: native(base + 3 * step),
          memoryBytes: native(base + 4 * step),
        },
      };
    },
  };
}
