import * as fs from "node:fs";
import { rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { isMissing, isPresent } from "./store-fault.ts";

// These three are the price of a verdict; through callbacks they cost half of what node:fs/promises takes.
const writeFile = promisify(fs.writeFile);
const link = promisify(fs.link);
const unlink = promisify(fs.unlink);
const sync = promisify(fs.fsync);

const AT_ONCE_BYTES = 64 * 1024;

/** Makes names for files that are being written; a name tells its process, so that leftovers can be told. */
export interface TemporaryNames {
  next(): string;
}

export function createTemporaryNames(folder: string, owner: string): TemporaryNames {
  let count = 0;
  return {
    next() {
      count += 1;
      return join(folder, `${owner}-${count}`);
    },
  };
}

/**
 * Creates a file whole, or not at all, if absent. The name appears by link(2): of several callers one succeeds.
 * @returns whether it was this call that created it
 */
export async function createWhole(
  path: string,
  data: string | Uint8Array,
  temporary: string,
  options: { isDurable?: boolean } = {},
): Promise<boolean> {
  try {
    if (options.isDurable) await writeDurable(temporary, data);
    else await writeFile(temporary, data);
    await link(temporary, path);
  } catch (error) {
    await discard(temporary);
    if (isPresent(error)) return false;
    throw error;
  }
  await unlink(temporary);
  if (options.isDurable) await syncToDisk(dirname(path));
  return true;
}

/** What is small is written at once: only the wait for the disk is left to others. */
async function writeDurable(path: string, data: string | Uint8Array): Promise<void> {
  if (data.length > AT_ONCE_BYTES) return await writeFile(path, data, { flush: true });
  const fd = fs.openSync(path, "w");
  try {
    fs.writeFileSync(fd, data);
    await sync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * {@link createWhole} without leaving the turn of the event loop: a third of the price on a disk that is quick, and all
 * wait where it is not.
 */
export function createWholeAtOnce(path: string, data: Uint8Array, temporary: string): boolean {
  try {
    fs.writeFileSync(temporary, data);
    fs.linkSync(temporary, path);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    if (isPresent(error)) return false;
    throw error;
  }
  fs.unlinkSync(temporary);
  return true;
}

/** Puts a written file in its place, over what was there. */
export async function replaceWhole(path: string, data: string | Uint8Array, temporary: string): Promise<void> {
  try {
    await writeFile(temporary, data, { flush: true });
    await rename(temporary, path);
  } catch (error) {
    await discard(temporary);
    throw error;
  }
  await syncToDisk(dirname(path));
}

/** Removes a file that may be there. */
export async function discard(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
}

/** Makes a file, or the names in a folder, survive loss of power. */
export async function syncToDisk(path: string): Promise<void> {
  const fd = fs.openSync(path, "r");
  try {
    await sync(fd);
  } finally {
    fs.closeSync(fd);
  }
}
