import { chown, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

export interface SlotOptions {
  /** Place of the slot among those of its agent, from 0. */
  readonly index: number;
  /** Folder of the slot; made anew, with its parents. */
  readonly folder: string;
  /** User and group of the slot's emulators; undefined: they run as the agent does. */
  readonly uid: number | undefined;
}

/**
 * An agent's place for one emulator at a time: a private folder, and a user id of its own where the agent may give
 * one. The emulator gets its sockets by inheritance, so that no boot could take one over from the boot before it; that of
 * pins, where they are asked for, lies in the folder, which nobody else may enter.
 */
export class Slot implements AsyncDisposable {
  readonly index: number;
  /** Working folder of the slot's emulators (0700). Emptied between boots. */
  readonly folder: string;
  readonly uid: number | undefined;

  private constructor(options: SlotOptions) {
    this.index = options.index;
    this.folder = options.folder;
    this.uid = options.uid;
  }

  static async open(options: SlotOptions): Promise<Slot> {
    const slot = new Slot(options);
    await slot.wipe();
    return slot;
  }

  /** Makes the folder anew, so that nothing of one tenant is left for the next. No emulator may run in the slot. */
  async wipe(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    if (this.uid !== undefined) await chown(this.folder, this.uid, this.uid);
  }

  /** Deletes what a boot has left in the folder; most leave nothing. */
  async sweep(): Promise<void> {
    const names = await readdir(this.folder);
    await Promise.all(names.map((name) => rm(join(this.folder, name), { recursive: true, force: true })));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
