import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { FarmError } from "../../core/error/farm-error.ts";
import { openTarget } from "../channel/open-target.ts";
import { EXIT } from "../exit-code.ts";
import type { FarmOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";

/** `emufarm pull`: the flash, the card or the fuses of a board, as they are now. */
export async function pull(
  surroundings: Surroundings,
  name: string,
  storage: string,
  file: string,
  options: FarmOptions,
): Promise<number> {
  const { cwd, stdout, stderr } = surroundings;
  await using target = await openTarget(surroundings, name, options);
  const source = Readable.from(
    target.bytes({ method: "GET", path: `storage/${encodeURIComponent(storage)}` }),
    // What is refused is told before a file is made.
    { highWaterMark: 1 },
  );
  if (file === "-") {
    await pipeline(source, stdout, { end: false });
    return EXIT.passed;
  }
  const path = resolve(cwd, file);
  let bytes = 0;
  try {
    await pipeline(
      source,
      async function* count(chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          bytes += chunk.length;
          yield chunk;
        }
      },
      createWriteStream(path),
    );
  } catch (cause) {
    // Half of it is worse than nothing.
    if (bytes > 0 || !(cause instanceof FarmError)) await rm(path, { force: true });
    if (cause instanceof FarmError) throw cause;
    const problems = `${file} cannot be written (${(cause as Error).message})`;
    throw new FarmError("InvalidRequest", { problems }, { cause });
  }
  stderr.write(`emufarm: ${bytes} bytes of ${storage} of ${target.name} in ${file}\n`);
  return EXIT.passed;
}
