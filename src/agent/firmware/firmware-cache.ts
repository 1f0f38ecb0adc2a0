import { chmod, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { FarmError } from "../../core/error/farm-error.ts";
import { verifiedBytes } from "../../http/bytes-body.ts";

export interface FirmwareCacheOptions {
  readonly folder: string;
  /** Files that nobody uses are removed, the longest unused first, until this holds. */
  readonly limitBytes: number;
}

interface CachedFile {
  readonly bytes: number;
  users: number;
}

const DIGEST_PATTERN = /^[0-9a-f]{64}$/;
const PART_SUFFIX = ".part";
/** Emulators of other user ids read the images; nobody writes them. */
const FOLDER_MODE = 0o755;
const FILE_MODE = 0o444;

/** Firmware on disk, by digest; each file was verified when it was written, and appears whole or not at all. */
export class FirmwareCache {
  readonly #options: FirmwareCacheOptions;
  /** The longest unused first. */
  readonly #files = new Map<string, CachedFile>();
  #bytes = 0;
  #parts = 0;

  private constructor(options: FirmwareCacheOptions) {
    this.#options = options;
  }

  static async open(options: FirmwareCacheOptions): Promise<FirmwareCache> {
    const cache = new FirmwareCache(options);
    await cache.#load();
    return cache;
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.#bytes;
  }

  has(sha256: string): boolean {
    return this.#files.has(sha256);
  }

  pathOf(sha256: string): string {
    return join(this.#options.folder, sha256);
  }

  /** Keeps a file until it is released; false where it is not here. */
  hold(sha256: string): boolean {
    const file = this.#files.get(sha256);
    if (!file) return false;
    file.users += 1;
    this.#files.delete(sha256);
    this.#files.set(sha256, file);
    return true;
  }

  release(sha256: string): void {
    const file = this.#files.get(sha256);
    if (file) file.users -= 1;
  }

  /**
   * Stores bytes that must have this digest; says whether they are new.
   * @throws {FarmError} DigestMismatch, BodyTooLarge, StoreFull
   */
  async put(sha256: string, source: Readable | AsyncIterable<Buffer>): Promise<boolean> {
    if (this.#files.has(sha256)) {
      // It is here already, but a caller whose bytes are wrong shall learn of it.
      for await (const _chunk of verifiedBytes(source, sha256, this.#options.limitBytes));
      return false;
    }
    const part = `${this.pathOf(sha256)}.${this.#parts++}${PART_SUFFIX}`;
    try {
      const bytes = verifiedBytes(source, sha256, this.#options.limitBytes);
      // Opened first: a stream that fails while it still opens its file makes it after it has been removed.
      const file = await open(part, "w", 0o600);
      // Flushed, or a loss of power could leave a file under its digest that has other bytes.
      await pipeline(bytes, file.createWriteStream({ flush: true }));
      const { size } = await stat(part);
      await this.#makeRoom(size);
      await chmod(part, FILE_MODE);
      await rename(part, this.pathOf(sha256));
      this.#add(sha256, size);
    } catch (error) {
      await rm(part, { force: true });
      throw translate(error, this.#options.folder);
    }
    return true;
  }

  async #load(): Promise<void> {
    const { folder } = this.#options;
    await mkdir(folder, { recursive: true });
    await chmod(folder, FOLDER_MODE);
    const found: { name: string; bytes: number; changedMs: number }[] = [];
    for (const name of await readdir(folder)) {
      if (DIGEST_PATTERN.test(name)) {
        const { size, mtimeMs } = await stat(join(folder, name));
        found.push({ name, bytes: size, changedMs: mtimeMs });
      } else if (name.endsWith(PART_SUFFIX)) {
        await rm(join(folder, name), { force: true });
      }
    }
    for (const { name, bytes } of found.toSorted((one, other) => one.changedMs - other.changedMs)) {
      this.#add(name, bytes);
    }
  }

  #add(sha256: string, bytes: number): void {
    const known = this.#files.get(sha256);
    this.#bytes += bytes - (known?.bytes ?? 0);
    this.#files.delete(sha256);
    this.#files.set(sha256, { bytes, users: known?.users ?? 0 });
  }

  async #makeRoom(bytes: number): Promise<void> {
    for (const [sha256, file] of this.#files) {
      if (this.#bytes + bytes <= this.#options.limitBytes) return;
      if (file.users > 0) continue;
      this.#files.delete(sha256);
      this.#bytes -= file.bytes;
      await rm(this.pathOf(sha256), { force: true });
    }
  }
}

function translate(error: unknown, folder: string): unknown {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return code === "ENOSPC" || code === "EDQUOT" ? new FarmError("StoreFull", { folder }, { cause: error }) : error;
}
