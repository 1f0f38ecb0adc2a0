import { createHash } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
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
/** Longer than another comer can need, leftovers included. */
const TURN_PATIENCE_MS = 10_000;

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
    // One comer at a time: two that find a dead holder must not both take over.
    await using _turn = await takeTurn(file);
    const holder = await readLock(file);
    if (holder && isRunning(holder)) throw new FarmError("FolderInUse", { pid: holder.pid, folder });
    await endLeftovers(holder?.children ?? []);
    await lock.#write();
    return lock;
  }

  /** Notes a process that works for the holder, in place of an earlier one of this name. Never rejects. */
  note(name: string, pid: number): Promise<void> {
    const identity = identifyProcess(pid);
    if (!identity) return this.#writing;
    this.#children.set(name, { name, ...identity });
    // A full disk must not end the farm: the next note writes this one too, and the process goes with its supervisor.
    this.#writing = this.#writing.then(() => this.#write()).catch(() => {});
    return this.#writing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
    await rm(this.#file, { force: true });
  }

  async #write(): Promise<void> {
    const content: LockContent = { ...this.#own, children: [...this.#children.values()] };
    await writeFile(`${this.#file}.new`, JSON.stringify(content), { mode: 0o600 });
    await rename(`${this.#file}.new`, this.#file);
  }
}

/**
 * Waits for the turn to look at the lock, and holds it until disposed of: a name in the kernel's abstract namespace of
 * sockets, which goes with its process however that ends.
 */
async function takeTurn(file: string): Promise<AsyncDisposable> {
  const path = `\0emufarm-${createHash("sha256").update(file).digest("hex").slice(0, 32)}`;
  const until = performance.now() + TURN_PATIENCE_MS;
  for (;;) {
    const server = createServer();
    const listening = Promise.withResolvers<boolean>();
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" && performance.now() < until ? listening.resolve(false) : listening.reject(error),
    );
    server.listen({ path }, () => listening.resolve(true));
    if (await listening.promise) return server;
    // Another one looks just now; nothing tells when it is done.
    await wait(10);
  }
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
  for (const until = performance.now() + LEFTOVER_GRACE_MS; left().length > 0 && performance.now() < until; )
    await wait(10);
  for (const one of left()) signal(one, "SIGKILL");
}

function signal({ pid }: ProcessIdentity, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone by itself.
  }
}
