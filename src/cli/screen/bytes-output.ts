import { once } from "node:events";
import { existsSync } from "node:fs";
import { open, rm, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Surroundings } from "../surroundings.ts";
import { orUnwritable } from "./or-unwritable.ts";

/** Writes bytes to standard output as fast as they are read there. */
export async function printBytes(
  { stdout }: Pick<Surroundings, "stdout">,
  source: AsyncIterable<Uint8Array>,
): Promise<void> {
  for await (const chunk of source) if (!stdout.write(chunk)) await once(stdout, "drain");
}

/**
 * Writes bytes into a file, and says how many. What is refused before the first of them leaves the file as it was.
 * @param file its path as it was typed
 * @throws what the source throws; {FarmError} InvalidRequest where the file cannot be written
 */
export async function saveBytes(
  { cwd }: Pick<Surroundings, "cwd">,
  file: string,
  source: AsyncIterable<Uint8Array>,
): Promise<number> {
  const chunks = source[Symbol.asyncIterator]();
  let next = await chunks.next();
  const path = resolve(cwd, file);
  let bytes = 0;
  try {
    await using opened = await orUnwritable(open(path, "w"), file);
    for (; !next.done; next = await chunks.next()) {
      await orUnwritable(opened.writeFile(next.value), file);
      bytes += next.value.length;
    }
  } catch (error) {
    // Nobody reads on. Half of it is worse than nothing.
    await chunks.return?.();
    if (bytes > 0 && (await stat(path)).isFile()) await rm(path);
    throw error;
  }
  return bytes;
}

/**
 * A path that leads nowhere is told before anything runs for it. What is there, and what is not, stays as it is.
 * @param file its path as it was typed
 * @throws {FarmError} InvalidRequest where the file cannot be written
 */
export async function checkWritable({ cwd }: Pick<Surroundings, "cwd">, file: string): Promise<void> {
  const path = resolve(cwd, file);
  const wasThere = existsSync(path);
  await (await orUnwritable(open(path, "a"), file)).close();
  if (!wasThere) await rm(path);
}
