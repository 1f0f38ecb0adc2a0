const LINE_FEED = 0x0a;

/** Cuts a stream of bytes into lines, whatever its chunks are. Holds at most `maxLineBytes` of an unfinished one. */
export class LineSplitter {
  readonly #maxLineBytes: number;
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /**
   * Lines that this chunk completes, without their ends.
   * @throws {RangeError} when a line is longer than the limit.
   */
  split(chunk: Buffer): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      this.#hold(chunk.subarray(start, end));
      lines.push(this.#take());
      start = end + 1;
    }
    if (start < chunk.length) this.#hold(chunk.subarray(start));
    return lines;
  }

  #hold(bytes: Buffer): void {
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes > this.#maxLineBytes) throw new RangeError(`line longer than ${this.#maxLineBytes} bytes`);
    this.#pending.push(bytes);
  }

  #take(): string {
    const [first] = this.#pending;
    // Joined before it is decoded, since a chunk may end within a character.
    const line = this.#pending.length === 1 && first ? first : Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    return line.toString("utf8").trimEnd();
  }
}
