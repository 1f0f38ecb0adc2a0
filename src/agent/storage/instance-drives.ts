import { createReadStream } from "node:fs";
import { mkdir, open, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import type { BoardDrive, StorageName } from "../../core/schema/board-storage.ts";

/** Erased flash and fuses that are whole read as ones, a new card as zeros. */
const FILL: Readonly<Record<StorageName, number>> = { flash: 0xff, efuse: 0xff, sd: 0 };
const CHUNK_BYTES = 1024 * 1024;
const FRESH_SUFFIX = ".new";

/** A drive of a board with the file that holds it. */
export interface DriveFile {
  readonly drive: BoardDrive;
  readonly path: string;
}

/** The drives of one instance. They outlive emulators and agents, and go with the instance. */
export class InstanceDrives {
  readonly files: readonly DriveFile[];

  private constructor(folder: string, drives: readonly BoardDrive[]) {
    this.files = drives.map((drive) => ({ drive, path: join(folder, `${drive.name}.img`) }));
  }

  /** Makes what is not there, and what is of another size, as another board's would be. */
  static async open(folder: string, drives: readonly BoardDrive[]): Promise<InstanceDrives> {
    const opened = new InstanceDrives(folder, drives);
    if (drives.length > 0) await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const file of opened.files) if (!(await hasItsSize(file))) await makeEmpty(file);
    return opened;
  }

  /** A new firmware finds them as they came; a card is nothing that comes with the board. No emulator may run. */
  async erase(): Promise<void> {
    for (const file of this.files) if (file.drive.name !== "sd") await makeEmpty(file);
  }

  /** The bytes as the guest has left them so far; undefined for a drive that the board does not have. */
  read(name: string, signal: AbortSignal): AsyncIterable<Buffer> | undefined {
    const file = this.files.find(({ drive }) => drive.name === name);
    return file && createReadStream(file.path, { signal });
  }
}

async function hasItsSize({ path, drive }: DriveFile): Promise<boolean> {
  try {
    return (await stat(path)).size === drive.sizeKiB * 1024;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/** Appears whole or not at all. */
async function makeEmpty({ path, drive }: DriveFile): Promise<void> {
  const sizeBytes = drive.sizeKiB * 1024;
  const fill = FILL[drive.name];
  {
    await using file = await open(path + FRESH_SUFFIX, "w", 0o600);
    if (fill === 0) await file.truncate(sizeBytes);
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, sizeBytes), fill);
    for (let at = 0; fill !== 0 && at < sizeBytes; at += chunk.length) {
      await file.write(chunk, 0, Math.min(chunk.length, sizeBytes - at));
    }
  }
  await rename(path + FRESH_SUFFIX, path);
}
