import { type FileHandle, open, readdir, readFile, rename } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { createWhole, discard, replaceWhole, syncToDisk, type TemporaryNames } from "./atomic-file.ts";
import { isMissing } from "./store-fault.ts";

/** Verdicts are on the disk at the latest so long after they were created. */
const COMMIT_AFTER_MS = 250;
/** A segment is closed at this age or size. */
const SEGMENT_MS = 30_000;
const SEGMENT_BYTES = 32 * 1024 * 1024;
/** Age at which the kernel has long written back by itself what a closed segment covers, so that fsync is cheap. */
const CHECKPOINT_AFTER_MS = 45_000;

interface Segment {
  readonly path: string;
  readonly handle: FileHandle;
  readonly files: string[];
  readonly openedMs: number;
  bytes: number;
}

interface JournalDependencies {
  /** Root of the store; entries are relative to it, so that the folder may be moved. */
  readonly root: string;
  readonly folder: string;
  /** Prefix of this process's segments. */
  readonly owner: string;
  readonly temporary: TemporaryNames;
  /** Makes a folder that may be gone. */
  readonly ensureFolder: (folder: string) => Promise<void>;
  readonly onFault: (error: unknown) => void;
}

/**
 * Makes small files survive loss of power without an fsync each: what was created is appended to one file as well,
 * which is synced once for all of them. After a loss of power the files are made good from it. A segment goes once its
 * files are synced themselves, which costs next to nothing by then.
 */
export class VerdictJournal {
  readonly #dependencies: JournalDependencies;
  readonly #unsynced = new Set<string>();
  #pending: { path: string; data: Buffer }[] = [];
  #segment: Segment | undefined;
  #count = 0;
  #commitTimer: NodeJS.Timeout | undefined;
  readonly #checkpointTimers = new Set<NodeJS.Timeout>();
  #work: Promise<void> = Promise.resolve();

  constructor(dependencies: JournalDependencies) {
    this.#dependencies = dependencies;
  }

  /** Notes a small file that was written whole; of several entries for one file the last one holds. */
  append(path: string, data: Buffer): void {
    this.#pending.push({ path, data });
    this.#schedule();
  }

  /** Has a large file synced with the next commit. */
  syncSoon(path: string): void {
    this.#unsynced.add(path);
    this.#schedule();
  }

  /** Makes good what the segments of processes that are gone say, and takes them over. */
  async recover(isGone: (fileName: string) => boolean): Promise<void> {
    const { folder, owner } = this.#dependencies;
    for (const name of await readdir(folder)) {
      if (!isGone(name)) continue;
      this.#count += 1;
      const path = join(folder, `${owner}-${this.#count}`);
      try {
        await rename(join(folder, name), path);
      } catch (error) {
        // The other process, which starts at the same time, was faster.
        if (isMissing(error)) continue;
        throw error;
      }
      const files = await this.#replay(path);
      this.#enqueue(() => this.#checkpoint(path, files));
    }
  }

  /** Settles when all that was appended so far is on the disk. */
  async commit(): Promise<void> {
    clearTimeout(this.#commitTimer);
    this.#commitTimer = undefined;
    this.#enqueue(() => this.#commitPending());
    await this.#work;
  }

  async close(): Promise<void> {
    await this.commit();
    for (const timer of this.#checkpointTimers) clearTimeout(timer);
    await this.#segment?.handle.close();
    this.#segment = undefined;
  }

  #schedule(): void {
    this.#commitTimer ??= setTimeout(() => void this.commit(), COMMIT_AFTER_MS);
  }

  #enqueue(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch(this.#dependencies.onFault);
  }

  async #commitPending(): Promise<void> {
    const entries = this.#pending;
    const files = [...this.#unsynced];
    this.#pending = [];
    this.#unsynced.clear();
    await this.#appendAll(entries).catch(async (error: unknown) => {
      this.#dependencies.onFault(error);
      // The journal cannot be written: the files themselves are synced instead, slower and as safe.
      for (const { path } of entries) await syncFile(path);
    });
    for (const path of files) await syncFile(path);
  }

  async #appendAll(entries: readonly { path: string; data: Buffer }[]): Promise<void> {
    if (entries.length === 0) return;
    this.#segment ??= await this.#openSegment();
    const segment = this.#segment;
    const { root } = this.#dependencies;
    const data = Buffer.concat(
      entries.flatMap((entry) => [Buffer.from(`${entry.data.length} ${relative(root, entry.path)}\n`), entry.data]),
    );
    try {
      await segment.handle.writeFile(data);
      await segment.handle.datasync();
    } catch (error) {
      // An entry that was cut would hide those behind it.
      await this.#closeSegment(segment);
      throw error;
    }
    for (const { path } of entries) segment.files.push(path);
    segment.bytes += data.length;
    const isOld = performance.now() - segment.openedMs > SEGMENT_MS;
    if (isOld || segment.bytes > SEGMENT_BYTES) await this.#closeSegment(segment);
  }

  async #openSegment(): Promise<Segment> {
    this.#count += 1;
    const path = join(this.#dependencies.folder, `${this.#dependencies.owner}-${this.#count}`);
    const handle = await open(path, "a");
    await syncToDisk(this.#dependencies.folder);
    return { path, handle, files: [], bytes: 0, openedMs: performance.now() };
  }

  async #closeSegment(segment: Segment): Promise<void> {
    this.#segment = undefined;
    await segment.handle.close();
    const timer = setTimeout(() => {
      this.#checkpointTimers.delete(timer);
      this.#enqueue(() => this.#checkpoint(segment.path, segment.files));
    }, CHECKPOINT_AFTER_MS);
    timer.unref();
    this.#checkpointTimers.add(timer);
  }

  async #checkpoint(path: string, files: readonly string[]): Promise<void> {
    const folders = new Set<string>();
    for (const file of files) {
      await syncFile(file);
      folders
        .add(dirname(file))
        .add(dirname(dirname(file)))
        .add(dirname(dirname(dirname(file))));
    }
    for (const folder of folders) await syncFile(folder);
    await discard(path);
  }

  async #replay(path: string): Promise<string[]> {
    const data = await readFile(path);
    const files: string[] = [];
    for (const entry of parseSegment(data)) {
      const file = join(this.#dependencies.root, entry.path);
      await this.#makeGood({ path: file, data: entry.data });
      files.push(file);
    }
    return files;
  }

  async #makeGood({ path, data }: { path: string; data: Buffer }): Promise<void> {
    const found = await readFile(path).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (found?.equals(data)) return;
    const { temporary, ensureFolder } = this.#dependencies;
    await ensureFolder(dirname(path));
    if (found) await replaceWhole(path, data, temporary.next());
    else await createWhole(path, data, temporary.next());
  }
}

const NEWLINE = 0x0a;

/** Entries of a segment up to the first one that is cut. */
function* parseSegment(data: Buffer): Iterable<{ path: string; data: Buffer }> {
  let offset = 0;
  for (;;) {
    const end = data.indexOf(NEWLINE, offset);
    if (end === -1) return;
    const head = data.toString("utf8", offset, end);
    const space = head.indexOf(" ");
    const length = Number(head.slice(0, space));
    const next = end + 1 + length;
    if (space < 1 || !Number.isSafeInteger(length) || next > data.length) return;
    yield { path: head.slice(space + 1), data: data.subarray(end + 1, next) };
    offset = next;
  }
}

/** Syncs a file or folder, which the retention may have deleted meanwhile. */
async function syncFile(path: string): Promise<void> {
  try {
    await using handle = await open(path, "r");
    await handle.sync();
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
