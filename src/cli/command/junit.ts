import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { EXIT } from "../exit-code.ts";
import { connectFarm } from "../farm/find-farm.ts";
import type { FarmOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";

interface JunitOptions extends FarmOptions {
  readonly output?: string;
}

/** `emufarm junit`: the report of a run. */
export async function junit(surroundings: Surroundings, runId: string, options: JunitOptions): Promise<number> {
  const { cwd, stdout } = surroundings;
  await using farm = await connectFarm(surroundings, options);
  const report = farm.junit(runId);
  if (options.output !== undefined) await writeFile(resolve(cwd, options.output), report);
  else for await (const chunk of report) if (!stdout.write(chunk)) await once(stdout, "drain");
  return EXIT.passed;
}
