import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Log } from "../../log/log.ts";
import { Progress } from "../progress.ts";

const META_FILE = "snapshot.json";
const STATE_FILE = "state";
const RAM_FILE = "ram";
const WORK_PREFIX = "new-";
/** Emulators of other user ids read what is inside; nobody writes it. */
const FOLDER_MODE = 0o711;
const FILE_MODE = 0o444;

const meta = z.strictObject({
  key: z.string(),
  stateBytes: z.number().int(),
  stateSha256: z.string(),
  ramBytes: z.number().int().optional(),
  uarts: z.array(z.strictObject({ name: z.string(), base64: z.base64() })),
});
type Meta = z.infer<typeof meta>;

/** A guest's state on disk. */
export interface Snapshot {
  /** Path of the device state, with the RAM unless that is a file of its own. */
  readonly state: string;
  /** Path of the RAM, of a template. */
  readonly ram: string | undefined;
  /** What each UART had said. */
  readonly outputs: ReadonlyMap<string, Buffer>;
}

/** What a maker has made, in the folder that it was given: `state`, and `ram` for a template. */
export interface MadeSnapshot {
  readonly outputs: ReadonlyMap<string, Buffer>;
}

export interface SnapshotStoreOptions {
  readonly folder: string;
  /** Snapshots beyond this go, the longest unused first. */
  readonly limitBytes: number;
  readonly log: Log;
}

/** Snapshots by what they depend on; each appears whole or not at all, and is verified before its first use. */
export class SnapshotStore {
  readonly #options: SnapshotStoreOptions;
  readonly #known = new Map<string, Promise<Snapshot>>();

  private constructor(options: SnapshotStoreOptions) {
    this.#options = options;
  }

  static async open(options: SnapshotStoreOptions): Promise<SnapshotStore> {
    const { folder } = options;
    await mkdir(folder, { recursive: true });
    await chmod(folder, FOLDER_MODE);
    const left = (await readdir(folder)).filter((name) => name.startsWith(WORK_PREFIX));
    for (const name of left) await rm(join(folder, name), { recursive: true, force: true });
    return new SnapshotStore(options);
  }

  /** True where it is here, or is being made. */
  has(key: string): boolean {
    return this.#known.has(key);
  }

  /**
   * The snapshot of this key: a stored one where it is whole, else one that is made now. Whoever asks meanwhile waits
   * for the same one, and makes it himself where that fails, unless nobody wants it from him any more.
   * @throws what `make` throws; the signal's reason
   */
  async get(key: string, make: (folder: string) => Promise<MadeSnapshot>, signal: AbortSignal): Promise<Snapshot> {
    using waiting = new Progress(signal);
    for (let known = this.#known.get(key); known; known = this.#known.get(key)) {
      try {
        const snapshot = await waiting.race(known);
        if (await isStillThere(snapshot)) return snapshot;
      } catch {
        // The one who made it learns why.
        signal.throwIfAborted();
      }
      if (this.#known.get(key) === known) this.#known.delete(key);
    }
    signal.throwIfAborted();
    const found = this.#find(key, make);
    this.#known.set(key, found);
    found.catch(() => {
      if (this.#known.get(key) === found) this.#known.delete(key);
    });
    return found;
  }

  /** It could not be restored: the next boot makes it anew. */
  async drop(key: string): Promise<void> {
    this.#known.delete(key);
    await rm(this.#folderOf(key), { recursive: true, force: true });
  }

  async #find(key: string, make: (folder: string) => Promise<MadeSnapshot>): Promise<Snapshot> {
    const stored = await this.#stored(key);
    if (stored) return stored;
    const work = await mkdtemp(join(this.#options.folder, WORK_PREFIX));
    try {
      await chmod(work, FOLDER_MODE);
      const { outputs } = await make(work);
      await this.#finish(key, work, outputs);
      await rm(this.#folderOf(key), { recursive: true, force: true });
      await rename(work, this.#folderOf(key));
    } catch (error) {
      await rm(work, { recursive: true, force: true });
      throw error;
    }
    await this.#tidy(key);
    const made = await this.#stored(key);
    if (!made) throw new Error("the snapshot was damaged as soon as it was made");
    return made;
  }

  async #finish(key: string, folder: string, outputs: MadeSnapshot["outputs"]): Promise<void> {
    const ram = await sizeIfThere(join(folder, RAM_FILE));
    const state = join(folder, STATE_FILE);
    const record: Meta = {
      key,
      stateBytes: (await stat(state)).size,
      stateSha256: await sha256OfFile(state),
      ...(ram !== undefined && { ramBytes: ram }),
      uarts: [...outputs].map(([name, bytes]) => ({ name, base64: bytes.toString("base64") })),
    };
    await chmod(state, FILE_MODE);
    if (ram !== undefined) await chmod(join(folder, RAM_FILE), FILE_MODE);
    await writeFile(join(folder, META_FILE), JSON.stringify(record));
  }

  /** A stored snapshot, where it is what was written. */
  async #stored(key: string): Promise<Snapshot | undefined> {
    const folder = this.#folderOf(key);
    if ((await sizeIfThere(join(folder, META_FILE))) === undefined) return undefined;
    try {
      const record = meta.parse(JSON.parse(await readFile(join(folder, META_FILE), "utf8")));
      const state = join(folder, STATE_FILE);
      const ram = record.ramBytes === undefined ? undefined : join(folder, RAM_FILE);
      if (record.key !== key) throw new Error("it is of another guest");
      if ((await stat(state)).size !== record.stateBytes) throw new Error("its state is truncated");
      if ((await sha256OfFile(state)) !== record.stateSha256) throw new Error("its state is damaged");
      if (ram !== undefined && (await stat(ram)).size !== record.ramBytes) throw new Error("its memory is truncated");
      const now = new Date();
      await utimes(join(folder, META_FILE), now, now);
      const outputs = new Map(record.uarts.map(({ name, base64 }) => [name, Buffer.from(base64, "base64")]));
      return { state, ram, outputs };
    } catch (error) {
      this.#options.log.warn({ err: error, snapshot: key }, "a snapshot cannot be used, and is made anew");
      await rm(folder, { recursive: true, force: true });
      return undefined;
    }
  }

  /** Removes what was used longest ago, until the limit holds. What runs from it keeps its open files. */
  async #tidy(newest: string): Promise<void> {
    const { folder, limitBytes } = this.#options;
    const names = (await readdir(folder)).filter((name) => !name.startsWith(WORK_PREFIX));
    const kept = await Promise.all(names.map((name) => usageOf(join(folder, name), name)));
    kept.sort((left, right) => right.usedAtMs - left.usedAtMs);
    let bytes = 0;
    for (const { name, diskBytes } of kept) {
      bytes += diskBytes;
      if (bytes > limitBytes && name !== newest) await this.drop(name);
    }
  }

  #folderOf(key: string): string {
    return join(this.#options.folder, key);
  }
}

async function usageOf(folder: string, name: string): Promise<{ name: string; usedAtMs: number; diskBytes: number }> {
  let usedAtMs = 0;
  let diskBytes = 0;
  for (const file of await readdir(folder)) {
    const { blocks, mtimeMs } = await stat(join(folder, file));
    diskBytes += blocks * 512;
    if (file === META_FILE) usedAtMs = mtimeMs;
  }
  return { name, usedAtMs, diskBytes };
}

/** Somebody may have tidied up under the agent; what runs from it keeps its open files. */
async function isStillThere({ state, ram }: Snapshot): Promise<boolean> {
  const sizes = await Promise.all([state, ...(ram === undefined ? [] : [ram])].map(sizeIfThere));
  return sizes.every((size) => size !== undefined);
}

async function sizeIfThere(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
