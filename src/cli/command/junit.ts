import { EXIT } from "../exit-code.ts";
import { connectFarm } from "../farm/find-farm.ts";
import type { FarmOptions } from "../farm-options.ts";
import { printBytes, saveBytes } from "../screen/bytes-output.ts";
import type { Surroundings } from "../surroundings.ts";
import { runNamed } from "./farm-ids.ts";

interface JunitOptions extends FarmOptions {
  readonly output?: string;
}

/** `emufarm junit`: the report of a run. */
export async function junit(surroundings: Surroundings, word: string, options: JunitOptions): Promise<number> {
  const runId = runNamed(word, "junit");
  await using farm = await connectFarm(surroundings, options);
  const report = farm.junit(runId);
  if (options.output === undefined) await printBytes(surroundings, report);
  else await saveBytes(surroundings, options.output, report);
  return EXIT.passed;
}
