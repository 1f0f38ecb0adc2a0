import { createHash, randomBytes } from "node:crypto";
import { createReadStream, rmSync, statSync } from "node:fs";
import { open, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import PQueue from "p-queue";
import { BackOff } from "../../client/back-off.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import type { Log } from "../../log/log.ts";
import { discard, replaceWhole, type TemporaryNames } from "./atomic-file.ts";
import { type BlobEntry, entryPathOf } from "./blob-entry.ts";
import type { Bucket } from "./bucket.ts";
import { isMissing } from "./store-fault.ts";

const UPLOADS_AT_ONCE = 4;
const RETRY = { firstMs: 500, longestMs: 60_000 };
/** The most that S3 takes in one request; what is larger stays where it is. */
const MAX_OBJECT_BYTES = 5 * 1024 ** 3;
const UNIQUE_BYTES = 8;

interface BlobMoverDependencies {
  /** Root of the store: notes and keys are relative to it. */
  readonly root: string;
  /** Folder of the notes, a file for each blob that is on its way. */
  readonly folder: string;
  /** Prefix of this process's notes. */
  readonly owner: string;
  readonly temporary: TemporaryNames;
  readonly bucket: Bucket;
  readonly log: Log;
}

/**
 * Brings blobs from the store's folder into a bucket, and leaves an entry in their place. Until the bucket has one
 * whole it stays in the folder, however long that takes and whoever is killed meanwhile: a note beside tells what was on
 * its way. An object has a key of its own, which is never written again.
 */
export class BlobMover {
  readonly #dependencies: BlobMoverDependencies;
  readonly #queue = new PQueue({ concurrency: UPLOADS_AT_ONCE });
  readonly #ending = new AbortController();
  #count = 0;
  #failing = 0;

  constructor(dependencies: BlobMoverDependencies) {
    this.#dependencies = dependencies;
  }

  /** Has `put` put a blob in its place, and moves it then. */
  async place(path: string, put: () => Promise<void>): Promise<void> {
    const note = this.#nextNote();
    // First: whoever finds a note without its file forgets it, while nobody finds a file without its note.
    await writeFile(note, relative(this.#dependencies.root, path));
    try {
      await put();
    } catch (error) {
      await discard(note);
      throw error;
    }
    this.#begin(note, path);
  }

  /** Goes on with what processes that are gone had on its way. */
  async takeOver(isGone: (fileName: string) => boolean): Promise<void> {
    const { root, folder } = this.#dependencies;
    for (const name of await readdir(folder)) {
      if (!isGone(name)) continue;
      const note = this.#nextNote();
      try {
        await rename(join(folder, name), note);
      } catch (error) {
        // The other process, which starts at the same time, was faster.
        if (isMissing(error)) continue;
        throw error;
      }
      const path = await readFile(note, "utf8");
      // Loss of power may leave a note empty: its blob stays in the folder.
      if (path === "") await discard(note);
      else this.#begin(note, join(root, path));
    }
  }

  /** What is still on its way is left to the next process. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#queue.clear();
    this.#ending.abort();
    await this.#queue.onIdle();
  }

  #nextNote(): string {
    this.#count += 1;
    return join(this.#dependencies.folder, `${this.#dependencies.owner}-${this.#count}`);
  }

  #begin(note: string, path: string): void {
    void this.#queue.add(() => this.#moveAtLast(note, path));
  }

  /** Never rejects. */
  async #moveAtLast(note: string, path: string): Promise<void> {
    const { signal } = this.#ending;
    const backOff = new BackOff(RETRY);
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      try {
        await this.#move(path);
        await discard(note);
        if (!isFirst) this.#tellHealed();
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (isFirst) this.#tellFailing(error);
        // Rejects only when the process ends.
        await backOff.pause(signal).catch(() => undefined);
      }
    }
  }

  async #move(path: string): Promise<void> {
    const { root, bucket, temporary, log } = this.#dependencies;
    const source = await examine(path);
    if (!source) return;
    if (source.sizeBytes > MAX_OBJECT_BYTES) {
      log.warn({ path, sizeBytes: source.sizeBytes }, "too large for one object: it stays in the store's folder");
      return;
    }
    const key = `${relative(root, path)}/${randomBytes(UNIQUE_BYTES).toString("hex")}`;
    await bucket.putFile(key, { path, ...source }, this.#ending.signal);
    const entry: BlobEntry = { key, sizeBytes: source.sizeBytes, sha256: source.sha256 };
    try {
      await replaceWhole(entryPathOf(path), JSON.stringify(entry), temporary.next());
    } catch (error) {
      // The retention has deleted its run meanwhile; the object goes with the next sweep.
      if (isMissing(error)) return;
      throw error;
    }
    // A log that was written again is another file: it has a note of its own.
    if (statSync(path, { throwIfNoEntry: false })?.ino === source.inode) rmSync(path, { force: true });
  }

  #tellFailing(error: unknown): void {
    this.#failing += 1;
    if (this.#failing > 1) return;
    const { code, message } = FarmError.from(error);
    this.#dependencies.log.error({ err: error, code }, `${message} Trying until it does`);
  }

  #tellHealed(): void {
    this.#failing -= 1;
    if (this.#failing === 0) this.#dependencies.log.info("the bucket takes what waited for it");
  }
}

/** Size and digest of a file; undefined where it is gone. */
async function examine(path: string): Promise<{ sizeBytes: number; sha256: string; inode: number } | undefined> {
  try {
    await using handle = await open(path, "r");
    const { size, ino } = await handle.stat();
    const hash = createHash("sha256");
    await pipeline(createReadStream(path, { fd: handle, autoClose: false }), hash);
    return { sizeBytes: size, sha256: hash.digest("hex"), inode: ino };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
