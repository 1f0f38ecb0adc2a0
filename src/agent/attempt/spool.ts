import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import type { AttemptResult } from "../../core/wire/attempt.ts";

/** What the journal knows of an attempt. Without a result it ran when the agent was killed. */
export interface SpooledAttempt {
  readonly id: string;
  readonly specDigest: string;
  readonly uarts: readonly string[];
  readonly startedAt: string;
  readonly result?: AttemptResult;
}

type JournalLine =
  | { readonly type: "taken"; readonly attempt: SpooledAttempt }
  | { readonly type: "finished"; readonly id: string; readonly result: AttemptResult }
  | { readonly type: "forgotten"; readonly ids: readonly string[] }
  | { readonly type: "epoch"; readonly epoch: number };

const JOURNAL = "attempts.ndjson";
const LOGS = "logs";
/** A journal that is longer than this is written anew, as soon as most of it is history. */
const COMPACT_AT_BYTES = 4 * 1024 * 1024;

/**
 * The agent's memory on disk: one line for each change, appended by one write into the page cache. So it survives the
 * kill of the agent at the cost of some microseconds; after a loss of power the dispatcher finds the attempts gone
 * and tries again elsewhere.
 */
export class Spool implements Disposable {
  readonly #folder: string;
  readonly #attempts = new Map<string, SpooledAttempt>();
  #epoch = 0;
  #fd: number;
  #bytes = 0;
  #compactAtBytes = COMPACT_AT_BYTES;

  private constructor(folder: string) {
    this.#folder = folder;
    for (const line of readJournal(join(folder, JOURNAL))) this.#apply(line);
    this.#fd = this.#compact();
  }

  static async open(folder: string): Promise<Spool> {
    await mkdir(join(folder, LOGS), { recursive: true, mode: 0o700 });
    return new Spool(folder);
  }

  /** Every attempt that is not forgotten, the oldest first. */
  get attempts(): readonly SpooledAttempt[] {
    return [...this.#attempts.values()];
  }

  /** Highest epoch of a dispatcher that was seen. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Folder of an attempt's logs; it exists once there is something in it. */
  logFolder(id: string): string {
    return join(this.#folder, LOGS, id);
  }

  raiseEpoch(epoch: number): void {
    this.#append({ type: "epoch", epoch });
  }

  /** @throws {FarmError} StoreFull: then nothing was taken */
  take(attempt: SpooledAttempt): void {
    try {
      this.#append({ type: "taken", attempt });
    } catch (error) {
      this.#attempts.delete(attempt.id);
      throw error;
    }
  }

  /** @throws {FarmError} StoreFull: then the result lasts only as long as this process */
  finish(id: string, result: AttemptResult): void {
    this.#append({ type: "finished", id, result });
  }

  /** Forgets attempts, their logs included: those first, as they may be what fills the disk. */
  async forget(ids: readonly string[]): Promise<void> {
    // Most logs were small enough to travel in their result: asking is far cheaper than removing nothing.
    const folders = ids.map((id) => this.logFolder(id)).filter((folder) => existsSync(folder));
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
    try {
      this.#append({ type: "forgotten", ids });
    } catch (error) {
      // The disk is full all the same: the next agent tells of them once more, and is told once more to forget them.
      if (!(error instanceof FarmError)) throw error;
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  #append(line: JournalLine): void {
    this.#apply(line);
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    try {
      writeAll(this.#fd, bytes);
    } catch (cause) {
      // Half a line would spoil the next one.
      ftruncateSync(this.#fd, this.#bytes);
      throw new FarmError("StoreFull", { folder: this.#folder }, { cause });
    }
    this.#bytes += bytes.length;
    if (this.#bytes >= this.#compactAtBytes) this.#compactOpen();
  }

  /** The old journal is let go only when there is a new one; where the disk has no room for it, it goes on. */
  #compactOpen(): void {
    const old = this.#fd;
    try {
      this.#fd = this.#compact();
    } catch {
      // Tried again when it has grown by as much once more: what it says is whole as it is.
      this.#compactAtBytes = this.#bytes + COMPACT_AT_BYTES;
      return;
    }
    closeSync(old);
  }

  #apply(line: JournalLine): void {
    switch (line.type) {
      case "taken":
        this.#attempts.set(line.attempt.id, line.attempt);
        break;
      case "finished": {
        const attempt = this.#attempts.get(line.id);
        if (attempt) this.#attempts.set(line.id, { ...attempt, result: line.result });
        break;
      }
      case "forgotten":
        for (const id of line.ids) this.#attempts.delete(id);
        break;
      case "epoch":
        this.#epoch = line.epoch;
        break;
    }
  }

  /** Writes what is true now, and nothing of how it came about. Returns where to append. */
  #compact(): number {
    const path = join(this.#folder, JOURNAL);
    const fresh = `${path}.new`;
    const lines: JournalLine[] = [
      { type: "epoch", epoch: this.#epoch },
      ...this.attempts.map((attempt) => ({ type: "taken", attempt }) as const),
    ];
    const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    const fd = openSync(fresh, "a", 0o600);
    try {
      ftruncateSync(fd);
      writeAll(fd, bytes);
      fsyncSync(fd);
      renameSync(fresh, path);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    this.#bytes = bytes.length;
    this.#compactAtBytes = Math.max(COMPACT_AT_BYTES, this.#bytes * 2);
    return fd;
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}

function readJournal(path: string): JournalLine[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return text.split("\n").flatMap(parseLine);
}

function parseLine(text: string): JournalLine[] {
  try {
    return text === "" ? [] : [JSON.parse(text) as JournalLine];
  } catch {
    // The agent was killed in the middle of this line: what it says had not been answered to anybody.
    return [];
  }
}
