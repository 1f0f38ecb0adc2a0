import { setTimeout as wait } from "node:timers/promises";
import { FarmError } from "../../core/error/farm-error.ts";
import { EXIT } from "../exit-code.ts";
import { farmHere } from "../farm/find-farm.ts";
import { farmFolders } from "../folders.ts";
import type { Surroundings } from "../surroundings.ts";
import { isRunning } from "./process-identity.ts";

/** Longer than a farm gives its processes to end. */
const PATIENCE_MS = 30_000;

/**
 * `emufarm down`: ends the farm of this machine as Ctrl-C does, and waits for its end.
 * @throws {FarmError} InvalidRequest where it is another user's, or does not end
 */
export async function down(surroundings: Surroundings, options: { readonly data?: string }): Promise<number> {
  const { stdout } = surroundings;
  const { data } = farmFolders(surroundings, options.data);
  const farm = await farmHere(data);
  if (!farm) {
    stdout.write(`No farm is up with the folder ${data}.\n`);
    return EXIT.passed;
  }
  try {
    process.kill(farm.pid, "SIGTERM");
  } catch (cause) {
    // Gone by itself is what was wanted.
    if (isRunning(farm)) throw refusal(`the farm of ${data} (pid ${farm.pid}) is another user's`, cause);
  }
  const until = performance.now() + PATIENCE_MS;
  // Nobody's child here: only looking tells when it is gone.
  while (isRunning(farm) && performance.now() < until) await wait(20);
  if (isRunning(farm)) {
    throw refusal(`the farm of ${data} (pid ${farm.pid}) has not ended after ${PATIENCE_MS / 1_000} s`);
  }
  stdout.write(`The farm at ${farm.url} has ended.\n`);
  return EXIT.passed;
}

function refusal(problems: string, cause?: unknown): FarmError<"InvalidRequest"> {
  return new FarmError("InvalidRequest", { problems }, { cause });
}
