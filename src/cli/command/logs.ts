import { once } from "node:events";
import { instanceNameIn } from "../cluster/instance-word.ts";
import { EXIT } from "../exit-code.ts";
import { tellAbsence } from "../farm/absence.ts";
import { connectFarm } from "../farm/find-farm.ts";
import type { FarmOptions } from "../farm-options.ts";
import { Words } from "../run/words.ts";
import type { Surroundings } from "../surroundings.ts";
import { consoleOfJob } from "./job-uart.ts";

interface LogsOptions extends FarmOptions {
  readonly follow?: true;
}

/** `emufarm logs`: what a job's guest wrote, its bytes as they were. */
export async function logs(
  surroundings: Surroundings,
  jobId: string,
  uart: string | undefined,
  options: LogsOptions,
): Promise<number> {
  const instance = instanceNameIn(jobId, surroundings, options);
  if (instance !== undefined) {
    const { instanceLogs } = await import("../cluster/instance-logs.ts");
    return await instanceLogs(surroundings, instance, uart, options);
  }
  const { stdout, interrupted } = surroundings;
  const words = new Words(surroundings);
  await using farm = await connectFarm(surroundings, options);
  const name = uart ?? (await consoleOfJob(farm, jobId));
  const follow = {
    signal: interrupted,
    ...tellAbsence((text) => words.say(text)),
    onRetry: (attempt: number) => words.say(`this is attempt ${attempt}: the output begins anew`),
  };
  const bytes = options.follow ? farm.followLog(jobId, name, follow) : farm.log(jobId, name);
  for await (const chunk of bytes) {
    words.noteOutput(chunk);
    if (!stdout.write(chunk)) await once(stdout, "drain");
  }
  return EXIT.passed;
}
