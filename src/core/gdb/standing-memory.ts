/** Bytes of the guest's memory. */
export interface MemoryRange {
  readonly address: number;
  readonly bytes: number;
}

/** A range of memory and what is in it, two hexadecimal digits a byte. */
interface KnownRange extends MemoryRange {
  readonly hex: string;
}

/** What is asked for together; QEMU's stub answers at most 2 KiB. */
const BLOCK_BYTES = 64;
const LARGEST_READ_BYTES = 512;
const MAX_KNOWN = 16;
/** Others than the debugger may change memory as well, such as by a reset; they are seen after so long. */
const MAX_AGE_MS = 100;

/**
 * Memory of a CPU that stands still. After each step a debugger reads the same few bytes thirty times over; they are
 * fetched from the stub once. Only memory that is known to be no device's is kept or read ahead: to read a register of
 * a device can change it.
 */
export class StandingMemory {
  readonly #regions: readonly MemoryRange[];
  readonly #now: () => number;
  #known: KnownRange[] = [];
  #since = 0;

  /** @param regions of memory that has no side effects; @param now monotonic milliseconds */
  constructor(regions: readonly MemoryRange[], now: () => number = () => performance.now()) {
    this.#regions = regions;
    this.#now = now;
  }

  /** The bytes in hexadecimal digits, where all of them are known. */
  read(range: MemoryRange): string | undefined {
    if (this.#now() - this.#since > MAX_AGE_MS) this.forget();
    const known = this.#known.find((one) => isWithin(range, one));
    if (!known) return undefined;
    const start = 2 * (range.address - known.address);
    return known.hex.slice(start, start + 2 * range.bytes);
  }

  /** What to ask the stub for so that these bytes are known, and those around them; undefined where none may be kept. */
  blockAround(range: MemoryRange): MemoryRange | undefined {
    if (range.bytes === 0 || range.bytes > LARGEST_READ_BYTES) return undefined;
    const region = this.#regions.find((one) => isWithin(range, one));
    if (!region) return undefined;
    const address = Math.max(region.address, range.address - (range.address % BLOCK_BYTES));
    const end = Math.ceil((range.address + range.bytes) / BLOCK_BYTES) * BLOCK_BYTES;
    return { address, bytes: Math.min(region.address + region.bytes, end) - address };
  }

  /** The stub has answered; an answer of another length is an error of its own, and is not kept. */
  keep(range: MemoryRange, hex: string): void {
    if (hex.length !== 2 * range.bytes) return;
    if (this.#known.length === 0) this.#since = this.#now();
    this.#known.push({ ...range, hex });
    if (this.#known.length > MAX_KNOWN) this.#known.shift();
  }

  /** The CPU goes on, or somebody writes. */
  forget(): void {
    this.#known = [];
  }
}

function isWithin(inner: MemoryRange, outer: MemoryRange): boolean {
  return inner.address >= outer.address && inner.address + inner.bytes <= outer.address + outer.bytes;
}
