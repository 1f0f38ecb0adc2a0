import { link, readFile, rename, rm, unlink, writeFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { FarmError } from "../../core/error/farm-error.ts";
import { identifyProcess, isRunning, type ProcessIdentity } from "./process-identity.ts";

export interface NamedProcess extends ProcessIdentity {
  readonly name: string;
}

/** What the lock file says: who holds the folder, and which processes work for them. */
interface LockContent extends ProcessIdentity {
  readonly children: readonly NamedProcess[];
}

/** How long what a killed holder left behind gets to end by itself. */
const LEFTOVER_GRACE_MS = 3_000;

/** Holds a data folder for one farm. The kernel frees no file: a holder that was killed is told by pid and start. */
export class FolderLock implements AsyncDisposable {
  readonly #file: string;
  readonly #own: ProcessIdentity;
  readonly #children = new Map<string, NamedProcess>();
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: string, own: ProcessIdentity) {
    this.#file = file;
    this.#own = own;
  }

  /**
   * Takes the lock. What a killed holder left running is ended first.
   * @throws {FarmError} FolderInUse
   */
  static async acquire(file: string, folder: string, pid: number): Promise<FolderLock> {
    const own = identifyProcess(pid);
    if (!own) throw new FarmError("Internal", { detail: "this process is not in /proc" });
    const lock = new FolderLock(file, own);
    const fresh = `${file}.${pid}`;
    await writeFile(fresh, lock.#content(), { mode: 0o600 });
    try {
      while (!(await linked(fresh, file))) {
        const holder = await readLock(file);
        if (holder && isRunning(holder)) throw new FarmError("FolderInUse", { pid: holder.pid, folder });
        await takeAside(file, `${fresh}.stale`, holder);
      }
    } finally {
      await rm(fresh, { force: true });
    }
    return lock;
  }

  /** Notes a process that works for the holder, in place of an earlier one of this name. */
  note(name: string, pid: number): Promise<void> {
    const identity = identifyProcess(pid);
    if (!identity) return this.#writing;
    this.#children.set(name, { name, ...identity });
    this.#writing = this.#writing.then(async () => {
      await writeFile(`${this.#file}.new`, this.#content(), { mode: 0o600 });
      await rename(`${this.#file}.new`, this.#file);
    });
    return this.#writing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
    await rm(this.#file, { force: true });
  }

  #content(): string {
    return JSON.stringify({ ...this.#own, children: [...this.#children.values()] } satisfies LockContent);
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Removes a dead holder's lock; where another one was quicker and took it meanwhile, gives theirs back. */
async function takeAside(file: string, aside: string, holder: LockContent | undefined): Promise<void> {
  try {
    await rename(file, aside);
  } catch (error) {
    // Released or taken aside by somebody else: look again.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  const taken = await readLock(aside);
  if (taken && isRunning(taken)) await linked(aside, file);
  else await endLeftovers(holder?.children ?? []);
  await unlink(aside);
}

async function readLock(file: string): Promise<LockContent | undefined> {
  try {
    const content: unknown = JSON.parse(await readFile(file, "utf8"));
    return isLockContent(content) ? content : undefined;
  } catch {
    // Not there any more, or cut short by a loss of power: nobody holds it.
    return undefined;
  }
}

function isLockContent(value: unknown): value is LockContent {
  if (typeof value !== "object" || value === null) return false;
  const { pid, startTime, children } = value as Partial<LockContent>;
  return typeof pid === "number" && typeof startTime === "string" && Array.isArray(children);
}

/** Ends processes that are nobody's children here, so that only looking tells when they are gone. */
async function endLeftovers(processes: readonly NamedProcess[]): Promise<void> {
  const left = () => processes.filter(isRunning);
  for (const one of left()) signal(one, "SIGTERM");
  for (const until = Date.now() + LEFTOVER_GRACE_MS; left().length > 0 && Date.now() < until; ) await wait(10);
  for (const one of left()) signal(one, "SIGKILL");
}

function signal({ pid }: ProcessIdentity, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone by itself.
  }
}
