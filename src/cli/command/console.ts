import { instanceNameIn } from "../cluster/instance-word.ts";
import { connectFarm } from "../farm/find-farm.ts";
import type { FarmOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";
import { attachConsole } from "./attach-console.ts";
import { consoleOfJob } from "./job-uart.ts";

interface ConsoleOptions extends FarmOptions {
  readonly raw?: true;
}

/** `emufarm console`: a UART of a running job, what it has written so far first. */
export async function console(
  surroundings: Surroundings,
  jobId: string,
  uart: string | undefined,
  options: ConsoleOptions,
): Promise<number> {
  const instance = instanceNameIn(jobId, surroundings, options);
  if (instance !== undefined) {
    const { instanceConsole } = await import("../cluster/instance-console.ts");
    return await instanceConsole(surroundings, instance, uart, options);
  }
  await using farm = await connectFarm(surroundings, options);
  const name = uart ?? (await consoleOfJob(farm, jobId));
  return await attachConsole(surroundings, {
    title: `${name} of ${jobId}`,
    isRaw: options.raw === true,
    open: (onMessage) => farm.openConsole(jobId, name, onMessage),
  });
}
