import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { GuestExit } from "../../core/wire/attempt.ts";
import type { DesiredState } from "../../core/wire/desired-state.ts";

/** What of an instance survives the agent. */
export interface InstanceRecord {
  readonly desired: DesiredState;
  /** Raw ports by channel, so that they stay the same. */
  readonly ports: Readonly<Record<string, number>>;
  readonly restarts: number;
  /** The count of resets that was carried out. */
  readonly resetCount: number;
  /** Firmware that the guest was last started with. */
  readonly firmwareKey?: string;
  /** Its digest. */
  readonly firmware?: string;
  /** How the guest ended by itself, until it is started again. */
  readonly ended?: GuestExit;
  readonly lastExit?: GuestExit;
  /** For people, by the wall clock. */
  readonly lastExitAt?: string;
  /** What the first UART said at last, before that end. */
  readonly lastLines?: readonly string[];
}

const RECORD_SUFFIX = ".json";
const EPOCH_FILE = "epoch";
const FRESH_SUFFIX = ".new";

/** Instances on disk, one file each, replaced whole. */
export class InstanceStore {
  readonly #folder: string;
  readonly #records: InstanceRecord[] = [];
  /** Writes of one file never overlap. */
  #lastWrite: Promise<unknown> = Promise.resolve();
  /** By file, the write that waits for its turn: it takes what comes meanwhile, and saves a wait for the disk. */
  readonly #waiting = new Map<string, { text: string; readonly done: Promise<void> }>();
  #epoch = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(folder: string): Promise<InstanceStore> {
    const store = new InstanceStore(folder);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      if (name === EPOCH_FILE) store.#epoch = Number(await readFile(path, "utf8"));
      else if (name.endsWith(RECORD_SUFFIX)) {
        store.#records.push(JSON.parse(await readFile(path, "utf8")) as InstanceRecord);
      }
    }
    return store;
  }

  /** As they were when the store was opened. */
  get records(): readonly InstanceRecord[] {
    return this.#records;
  }

  /** Highest epoch of a leader that was seen. */
  get epoch(): number {
    return this.#epoch;
  }

  logFolder(uid: string): string {
    return join(this.#folder, `${encodeURIComponent(uid)}.logs`);
  }

  /** Where what its guest has written is kept. */
  storageFolder(uid: string): string {
    return join(this.#folder, `${encodeURIComponent(uid)}.storage`);
  }

  async raiseEpoch(epoch: number): Promise<void> {
    this.#epoch = epoch;
    await this.#replace(EPOCH_FILE, String(epoch));
  }

  async save(record: InstanceRecord): Promise<void> {
    await this.#replace(recordName(record.desired.uid), JSON.stringify(record));
  }

  async delete(uid: string): Promise<void> {
    this.#waiting.delete(recordName(uid));
    await this.#inOrder(async () => {
      await rm(join(this.#folder, recordName(uid)), { force: true });
      await rm(this.logFolder(uid), { recursive: true, force: true });
      await rm(this.storageFolder(uid), { recursive: true, force: true });
    });
  }

  async #replace(name: string, text: string): Promise<void> {
    const waiting = this.#waiting.get(name);
    if (waiting) {
      waiting.text = text;
      return await waiting.done;
    }
    const write = { text, done: Promise.resolve() };
    this.#waiting.set(name, write);
    write.done = this.#inOrder(async () => {
      if (this.#waiting.get(name) === write) this.#waiting.delete(name);
      const path = join(this.#folder, name);
      await using file = await open(path + FRESH_SUFFIX, "w", 0o600);
      await file.writeFile(write.text);
      await file.sync();
      await rename(path + FRESH_SUFFIX, path);
    });
    await write.done;
  }

  #inOrder(action: () => Promise<void>): Promise<void> {
    const done = this.#lastWrite.then(action, action);
    this.#lastWrite = done;
    // Whoever asked gets the failure from `done`.
    done.catch(() => {});
    return done;
  }
}

function recordName(uid: string): string {
  return encodeURIComponent(uid) + RECORD_SUFFIX;
}
