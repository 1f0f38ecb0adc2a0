const FIRST_CAPACITY = 1024;

/**
 * The last bytes of a stream, addressed by their position in it. Memory grows with what was written, up to the
 * capacity, so that a quiet stream costs nearly nothing.
 */
export class ByteRing {
  readonly capacity: number;
  #buffer: Buffer = Buffer.alloc(0);
  #total = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Bytes written so far: the position of the next one. */
  get total(): number {
    return this.#total;
  }

  /** Position of the oldest byte that is still here. */
  get start(): number {
    return Math.max(0, this.#total - this.capacity);
  }

  push(chunk: Buffer): void {
    const end = this.#total + chunk.length;
    const kept = chunk.length > this.capacity ? chunk.subarray(chunk.length - this.capacity) : chunk;
    this.#grow(Math.min(end, this.capacity));
    const size = this.#buffer.length;
    const at = (end - kept.length) % size;
    const untilWrap = Math.min(kept.length, size - at);
    kept.copy(this.#buffer, at, 0, untilWrap);
    kept.copy(this.#buffer, 0, untilWrap);
    this.#total = end;
  }

  /** A copy of the bytes from `position` (or from the oldest one) to the end. */
  read(position = this.start): Buffer {
    const from = Math.max(position, this.start);
    const length = this.#total - from;
    if (length <= 0) return Buffer.alloc(0);
    const size = this.#buffer.length;
    const at = from % size;
    const untilWrap = Math.min(length, size - at);
    return Buffer.concat([this.#buffer.subarray(at, at + untilWrap), this.#buffer.subarray(0, length - untilWrap)]);
  }

  /** Until the capacity is reached nothing wraps, so growing is a plain copy. */
  #grow(needed: number): void {
    if (needed <= this.#buffer.length) return;
    let size = Math.max(FIRST_CAPACITY, this.#buffer.length);
    while (size < needed) size *= 2;
    const grown = Buffer.alloc(Math.min(size, this.capacity));
    this.#buffer.copy(grown);
    this.#buffer = grown;
  }
}
