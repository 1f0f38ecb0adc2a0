import { closeSync, openSync, readSync } from "node:fs";
import { link, open, readdir, readFile } from "node:fs/promises";
import { createWhole, discard, syncToDisk, type TemporaryNames } from "./atomic-file.ts";
import type { CreatedRun, RunHead, StoredRun } from "./store.ts";
import { isMissing, isPresent } from "./store-fault.ts";
import type { StoreLayout } from "./store-layout.ts";

/** Jobs whose specs are kept in memory, so that reading one job does not mean parsing its run again. */
const CACHED_JOBS = 20_000;
const CACHED_HEADS = 2_000;
/** Larger than any head: name, tenant and key are limited by the API. */
const HEAD_BYTES = 16 * 1024;

type RunBody = Pick<StoredRun, "spec" | "boards">;

/** The runs of a folder store: a file each, and a hard link for its submission key. */
export class RunFiles {
  readonly #layout: StoreLayout;
  readonly #temporary: TemporaryNames;
  readonly #runs = new Map<string, StoredRun>();
  readonly #heads = new Map<string, RunHead>();

  constructor(layout: StoreLayout, temporary: TemporaryNames) {
    this.#layout = layout;
    this.#temporary = temporary;
  }

  async create(run: StoredRun): Promise<CreatedRun> {
    const known = run.key === undefined ? undefined : await this.#readByKey(run.tenant, run.key);
    if (known) return this.#created(known, false);
    const { spec, boards, ...head } = run;
    const text = [head, digestsOf(run), { spec, boards } satisfies RunBody].map((line) => `${JSON.stringify(line)}\n`);
    await createWhole(this.#layout.run(run.id), text.join(""), this.#temporary.next());
    const owner = await this.#claimKey(head);
    if (owner === run.id) {
      this.#remember(run);
      return this.#created(run, true);
    }
    // Another submission with this key was faster; ours was never answered.
    await discard(this.#layout.run(run.id));
    const winner = await this.read(owner);
    return winner ? this.#created(winner, false) : await this.create(run);
  }

  #created(run: StoredRun, isNew: boolean): CreatedRun {
    const { runs, keys } = this.#layout;
    const changed = [this.#layout.run(run.id), runs, ...(run.key === undefined ? [] : [keys])];
    // Side by side, they are one commit of the file system's journal as a rule.
    return { run, isNew, durable: Promise.all(changed.map(syncToDisk)).then(() => {}) };
  }

  async read(id: string): Promise<StoredRun | undefined> {
    const cached = this.#runs.get(id);
    if (cached) {
      this.#remember(cached);
      return cached;
    }
    const head = await this.readHead(id);
    const text = head && (await this.#readText(this.#layout.run(id)));
    if (!head || text === undefined) return undefined;
    const body = JSON.parse(text.slice(text.indexOf("\n", text.indexOf("\n") + 1) + 1)) as RunBody;
    const run = { ...head, ...body };
    this.#remember(run);
    return run;
  }

  async readHead(id: string): Promise<RunHead | undefined> {
    const cached = this.#heads.get(id);
    if (cached) return cached;
    const head = readHeadOf(this.#layout.run(id));
    // A run whose key belongs to another one was never accepted; one without its link was, just before a kill.
    if (!head || (await this.#claimKey(head)) !== id) return undefined;
    this.#heads.set(id, head);
    if (this.#heads.size > CACHED_HEADS) this.#heads.delete(this.#heads.keys().next().value ?? "");
    return head;
  }

  /** Takes away a run whose end is missing: power was lost before it was on the disk, and nobody was told of it. */
  async removeTorn(id: string): Promise<void> {
    const path = this.#layout.run(id);
    if (!(await endsWithNewline(path))) await discard(path);
  }

  /** Ids of all runs, newest first. */
  async listIds(): Promise<string[]> {
    const ids = await readdir(this.#layout.runs);
    return ids.sort().reverse();
  }

  async list({ limit, before }: { limit: number; before?: string }): Promise<RunHead[]> {
    const heads: RunHead[] = [];
    for (const id of await this.listIds()) {
      if (heads.length >= limit) break;
      if (before !== undefined && id >= before) continue;
      const head = await this.readHead(id);
      if (head) heads.push(head);
    }
    return heads;
  }

  /** Digests of the firmware that a run refers to. */
  async readDigests(id: string): Promise<string[]> {
    const text = await this.#readText(this.#layout.run(id));
    return text === undefined ? [] : (JSON.parse(text.split("\n", 2)[1] ?? "[]") as string[]);
  }

  /** Deletes the key first: until the run's own file is gone, the run is there. */
  async delete(head: RunHead): Promise<void> {
    if (head.key !== undefined) await discard(this.#layout.key(head.tenant, head.key));
    await discard(this.#layout.run(head.id));
    this.#heads.delete(head.id);
    this.#runs.delete(head.id);
  }

  async #readByKey(tenant: string, key: string): Promise<StoredRun | undefined> {
    const head = readHeadOf(this.#layout.key(tenant, key));
    return head && (await this.read(head.id));
  }

  /** Makes the run the one that has its key, unless another has. Returns the id of the run that has it. */
  async #claimKey(head: RunHead): Promise<string> {
    if (head.key === undefined) return head.id;
    const path = this.#layout.key(head.tenant, head.key);
    try {
      await link(this.#layout.run(head.id), path);
      return head.id;
    } catch (error) {
      if (!isPresent(error)) throw error;
    }
    const owner = readHeadOf(path);
    if (owner?.id === head.id) return head.id;
    if (owner && readHeadOf(this.#layout.run(owner.id))) return owner.id;
    // The owner was deleted by the retention, which was killed before it took the key's other name away.
    await discard(path);
    return await this.#claimKey(head);
  }

  async #readText(path: string): Promise<string | undefined> {
    const start = readStart(path);
    // Most runs are small.
    if (start === undefined || start.length < HEAD_BYTES) return start?.toString();
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  #remember(run: StoredRun): void {
    this.#runs.delete(run.id);
    this.#runs.set(run.id, run);
    let jobs = 0;
    for (const cached of [...this.#runs.values()].reverse()) {
      jobs += cached.jobCount;
      if (jobs > CACHED_JOBS && cached !== run) this.#runs.delete(cached.id);
    }
  }
}

/** Also where there is no file. */
async function endsWithNewline(path: string): Promise<boolean> {
  try {
    await using file = await open(path);
    const { size } = await file.stat();
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1));
    return buffer.toString() === "\n";
  } catch (error) {
    if (isMissing(error)) return true;
    throw error;
  }
}

/** Read at once: a few kilobytes cost less than a trip through the thread pool. */
function readStart(path: string): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    const buffer = Buffer.allocUnsafe(HEAD_BYTES);
    return buffer.subarray(0, readSync(fd, buffer, 0, HEAD_BYTES, 0));
  } finally {
    closeSync(fd);
  }
}

function readHeadOf(path: string): RunHead | undefined {
  const start = readStart(path);
  const end = start?.indexOf("\n") ?? -1;
  return start && end !== -1 ? (JSON.parse(start.toString("utf8", 0, end)) as RunHead) : undefined;
}

function digestsOf({ spec }: StoredRun): string[] {
  const digests = new Set<string>();
  for (const { firmware } of spec.jobs) {
    digests.add(firmware.sha256);
    if (firmware.initrd) digests.add(firmware.initrd.sha256);
    if (firmware.dtb) digests.add(firmware.dtb.sha256);
  }
  return [...digests];
}
