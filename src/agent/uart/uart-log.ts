import { closeSync, ftruncateSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { INLINE_LOG_BYTES } from "../../core/wire/attempt.ts";

/** Bytes kept from the start of the output, and from its end. */
export const LOG_PART_BYTES = 8 * 1024 * 1024;
const FLUSH_AFTER_MS = 100;
const FLUSH_AT_BYTES = 64 * 1024;
const READ_BYTES = 64 * 1024;

export interface UartLogOptions {
  /** File of the first part; the last part lies beside it, in `<path>.tail-a` and `<path>.tail-b`. */
  readonly path: string;
  readonly partBytes?: number;
  /** Told once when the file cannot be written; the output goes on without it. */
  onError?(error: Error): void;
}

/** A file that is appended to and cut, with the position in the output at which it begins. */
interface Part {
  readonly path: string;
  fd: number | undefined;
  start: number;
  length: number;
}

/**
 * The log of a UART on disk: the first and the last part of what the guest wrote, with the gap marked.
 *
 * Written within 100 ms by plain synchronous writes (into the page cache, without fsync), so it survives the agent's
 * own kill, and the reader of the socket never waits for more than one write. The last part alternates between two
 * files, so that no byte is ever moved. Small logs that end within the 100 ms never become a file.
 */
export class UartLog {
  readonly #options: UartLogOptions;
  readonly #partBytes: number;
  readonly #head: Part;
  #tail: [current: Part, previous: Part];
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #total = 0;
  #timer: NodeJS.Timeout | undefined;
  #isBroken = false;
  #isClosed = false;
  #changed = Promise.withResolvers<void>();

  constructor(options: UartLogOptions) {
    this.#options = options;
    this.#partBytes = options.partBytes ?? LOG_PART_BYTES;
    const part = (path: string): Part => ({ path, fd: undefined, start: 0, length: 0 });
    this.#head = part(options.path);
    this.#tail = [part(`${options.path}.tail-a`), part(`${options.path}.tail-b`)];
  }

  /** Bytes that the guest wrote. */
  get totalBytes(): number {
    return this.#total;
  }

  /** Bytes that can be read back; the rest is the gap. */
  get keptBytes(): number {
    if (!this.#isBroken) return Math.min(this.#total, 2 * this.#partBytes);
    return this.#head.length + (this.#writtenEnd() - this.#tailStart());
  }

  append(chunk: Buffer): void {
    this.#total += chunk.length;
    if (!this.#isBroken) {
      this.#pending.push(chunk);
      this.#pendingBytes += chunk.length;
      if (this.#pendingBytes >= FLUSH_AT_BYTES) this.flush();
      else this.#timer ??= setTimeout(() => this.flush(), FLUSH_AFTER_MS);
    }
    this.#wakeFollowers();
  }

  /** Writes what is pending to the files. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pendingBytes === 0) return;
    const bytes = this.#pending.length === 1 ? (this.#pending[0] as Buffer) : Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    try {
      this.#write(bytes);
    } catch (error) {
      // The test goes on without its log: a full disk must not change a verdict. The gap is marked when it is read.
      this.#isBroken = true;
      this.#options.onError?.(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** The whole log where it is small enough to travel inside a result. */
  inline(): Buffer | undefined {
    if (this.#total > INLINE_LOG_BYTES) return undefined;
    if (this.#writtenEnd() === 0) return Buffer.concat(this.#pending);
    this.flush();
    return this.#readPart(this.#head, 0, this.#head.length);
  }

  /**
   * The log from a position in the output, the gap replaced by a line that says how much is missing. With `follow` it
   * goes on until the log is closed.
   */
  async *read(offset = 0, options: { follow?: boolean; signal?: AbortSignal } = {}): AsyncGenerator<Buffer> {
    let position = offset;
    while (!options.signal?.aborted) {
      const piece = this.#readAt(position);
      if (piece !== undefined) {
        position = piece.end;
        yield piece.bytes;
      } else if (options.follow && !this.#isClosed) {
        await this.#nextChange(options.signal);
      } else {
        return;
      }
    }
  }

  /** No more bytes will come. What is small and unwritten stays in memory; everything else is on disk afterwards. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#total > INLINE_LOG_BYTES || this.#writtenEnd() > 0) this.flush();
    clearTimeout(this.#timer);
    for (const part of [this.#head, ...this.#tail]) {
      if (part.fd !== undefined) closeSync(part.fd);
      part.fd = undefined;
    }
    this.#wakeFollowers();
  }

  #write(bytes: Buffer): void {
    let rest = bytes;
    const headRoom = this.#partBytes - this.#head.length;
    if (headRoom > 0) {
      this.#appendTo(this.#head, rest.subarray(0, headRoom));
      rest = rest.subarray(headRoom);
    }
    while (rest.length > 0) {
      const [current, previous] = this.#tail;
      if (current.start === 0) current.start = this.#partBytes;
      const room = this.#partBytes - current.length;
      this.#appendTo(current, rest.subarray(0, room));
      rest = rest.subarray(room);
      if (current.length < this.#partBytes) continue;
      if (previous.fd !== undefined) ftruncateSync(previous.fd, 0);
      previous.start = current.start + current.length;
      previous.length = 0;
      this.#tail = [previous, current];
    }
  }

  #appendTo(part: Part, bytes: Buffer): void {
    if (part.fd === undefined) {
      mkdirSync(dirname(part.path), { recursive: true });
      part.fd = openSync(part.path, "w+", 0o600);
    }
    for (let done = 0; done < bytes.length; ) {
      const written = writeSync(part.fd, bytes, done, bytes.length - done, part.length);
      done += written;
      part.length += written;
    }
  }

  #readAt(position: number): { bytes: Buffer; end: number } | undefined {
    if (this.#isClosed && this.#pendingBytes > 0) {
      const bytes = Buffer.concat(this.#pending).subarray(position);
      return bytes.length > 0 ? { bytes, end: position + bytes.length } : undefined;
    }
    this.flush();
    const end = this.#writtenEnd();
    if (position < this.#head.length) return this.#pieceOf(this.#head, position);
    const resumes = position < end ? this.#tailStart() : this.#total;
    if (position < resumes) {
      const missing = resumes - position;
      return { bytes: Buffer.from(`\n[emufarm: ${missing} bytes are missing here]\n`), end: resumes };
    }
    const part = this.#tail.find((one) => position >= one.start && position < one.start + one.length);
    return part && this.#pieceOf(part, position);
  }

  #pieceOf(part: Part, position: number): { bytes: Buffer; end: number } {
    const bytes = this.#readPart(part, position - part.start, READ_BYTES);
    return { bytes, end: position + bytes.length };
  }

  #readPart(part: Part, at: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(Math.min(length, part.length - at));
    const fd = part.fd ?? openSync(part.path, "r");
    try {
      return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, at));
    } finally {
      if (fd !== part.fd) closeSync(fd);
    }
  }

  /** Position up to which the output is in the files. */
  #writtenEnd(): number {
    const [current] = this.#tail;
    return Math.max(this.#head.length, current.start + current.length);
  }

  /** Position of the oldest byte of the last part that is kept. */
  #tailStart(): number {
    const [current, previous] = this.#tail;
    if (current.start === 0) return this.#head.length;
    const oldest = previous.length > 0 ? previous.start : current.start;
    return Math.max(oldest, current.start + current.length - this.#partBytes);
  }

  #wakeFollowers(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  async #nextChange(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const onAbort = () => resolve();
    signal?.addEventListener("abort", onAbort, { once: true });
    await Promise.race([this.#changed.promise, promise]);
    signal?.removeEventListener("abort", onAbort);
  }
}
