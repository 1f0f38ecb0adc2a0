import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";

const MAX_BYTES = 8 * 1024 * 1024;
const LAST_LINES = 8;

/** What a process of the farm says, kept in a file that does not grow for ever. */
export class LogFile implements Disposable {
  readonly path: string;
  readonly #lastLines: string[] = [];
  #file: number;
  #bytes = 0;
  #isClosed = false;

  constructor(path: string) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.#file = openSync(path, "a", 0o600);
    this.#bytes = fstatSync(this.#file).size;
  }

  /** The last lines, for a word on the spot when the process ends. */
  get lastLines(): readonly string[] {
    return this.#lastLines;
  }

  write(line: string): void {
    this.#lastLines.push(line);
    if (this.#lastLines.length > LAST_LINES) this.#lastLines.shift();
    // What comes after the end has no file: its descriptor may be another file's by now.
    if (this.#isClosed) return;
    try {
      if (this.#bytes > MAX_BYTES) this.#rotate();
      this.#bytes += writeSync(this.#file, `${line}\n`);
    } catch {
      // A full disk must not end the supervisor: the last lines are in memory all the same.
    }
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeSync(this.#file);
  }

  /** The old file is let go only when there is a new one, so that a full disk changes nothing. */
  #rotate(): void {
    const fresh = openSync(`${this.path}.new`, "w", 0o600);
    renameSync(this.path, `${this.path}.1`);
    renameSync(`${this.path}.new`, this.path);
    closeSync(this.#file);
    this.#file = fresh;
    this.#bytes = 0;
  }
}
