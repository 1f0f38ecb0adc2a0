import { openTarget } from "../channel/open-target.ts";
import { EXIT } from "../exit-code.ts";
import type { FarmOptions } from "../farm-options.ts";
import { printBytes, saveBytes } from "../screen/bytes-output.ts";
import type { Surroundings } from "../surroundings.ts";

/** `emufarm pull`: the flash, the card or the fuses of a board, as they are now. */
export async function pull(
  surroundings: Surroundings,
  name: string,
  storage: string,
  file: string,
  options: FarmOptions,
): Promise<number> {
  await using target = await openTarget(surroundings, name, options);
  const source = target.bytes({ method: "GET", path: `storage/${encodeURIComponent(storage)}` });
  if (file === "-") {
    await printBytes(surroundings, source);
    return EXIT.passed;
  }
  const bytes = await saveBytes(surroundings, file, source);
  surroundings.stderr.write(`emufarm: ${bytes} bytes of ${storage} of ${target.name} in ${file}\n`);
  return EXIT.passed;
}
