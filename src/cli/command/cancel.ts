import { EXIT } from "../exit-code.ts";
import { connectFarm } from "../farm/find-farm.ts";
import type { Surroundings } from "../surroundings.ts";
import { type JsonOptions, jsonText } from "./json-option.ts";

interface CancelOptions extends JsonOptions {
  readonly reason: string;
}

/** `emufarm cancel`: a job, or a whole run. */
export async function cancel(surroundings: Surroundings, id: string, options: CancelOptions): Promise<number> {
  await using farm = await connectFarm(surroundings, options);
  const isJob = id.includes("-");
  const record = isJob ? await farm.cancelJob(id, options.reason) : await farm.cancelRun(id, options.reason);
  const text = `${isJob ? "Job" : "Run"} ${id} is being cancelled.\n`;
  surroundings.stdout.write(options.json ? jsonText(record) : text);
  return EXIT.passed;
}
