import type { JobRecord, RunRecord } from "../../core/wire/farm.ts";
import { EXIT } from "../exit-code.ts";
import { connectFarm } from "../farm/find-farm.ts";
import type { Surroundings } from "../surroundings.ts";
import { VERDICT_WORDS } from "../test/run-state.ts";
import { isJobNamed } from "./farm-ids.ts";
import { type JsonOptions, jsonText } from "./json-option.ts";

interface CancelOptions extends JsonOptions {
  readonly reason: string;
}

/** `emufarm cancel`: a job, or a whole run. */
export async function cancel(surroundings: Surroundings, id: string, options: CancelOptions): Promise<number> {
  const isJob = isJobNamed(id, "cancel");
  await using farm = await connectFarm(surroundings, options);
  const earlier = isJob ? jobEnd(await farm.job(id)) : runEnd(await farm.run(id));
  const record = isJob ? await farm.cancelJob(id, options.reason) : await farm.cancelRun(id, options.reason);
  const what = `${isJob ? "Job" : "Run"} ${id}`;
  const text = earlier === undefined ? `${what} is being cancelled.` : `${what} had ended before: ${earlier}.`;
  surroundings.stdout.write(options.json ? jsonText(record) : `${text}\n`);
  return EXIT.passed;
}

function jobEnd({ verdict }: JobRecord): string | undefined {
  return verdict && VERDICT_WORDS[verdict.verdict];
}

function runEnd({ outcome }: RunRecord): string | undefined {
  return outcome === "running" ? undefined : outcome;
}
