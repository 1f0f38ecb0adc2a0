import { HeldBytes } from "../../core/wire/held-bytes.ts";

const LINE_FEED = 0x0a;

/** Cuts a stream of bytes into lines, whatever its chunks are. Holds at most `maxLineBytes` of an unfinished one. */
export class LineSplitter {
  readonly #maxLineBytes: number;
  readonly #pending = new HeldBytes();

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
      lines.push(this.#lineWith(chunk.subarray(start, end)));
      start = end + 1;
    }
    if (start < chunk.length) this.#hold(chunk.subarray(start));
    return lines;
  }

  /** Joined before it is decoded, since a chunk may end within a character. */
  #lineWith(end: Buffer): string {
    if (this.#pending.length === 0) {
      this.#check(end);
      return end.toString("utf8").trimEnd();
    }
    this.#hold(end);
    const { buffer, byteOffset, byteLength } = this.#pending.take();
    return Buffer.from(buffer, byteOffset, byteLength).toString("utf8").trimEnd();
  }

  #hold(bytes: Buffer): void {
    this.#check(bytes);
    this.#pending.push(bytes);
  }

  #check(bytes: Buffer): void {
    if (this.#pending.length + bytes.length > this.#maxLineBytes) {
      throw new RangeError(`line longer than ${this.#maxLineBytes} bytes`);
    }
  }
}
