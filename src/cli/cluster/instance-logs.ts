import { once } from "node:events";
import { FarmError } from "../../core/error/farm-error.ts";
import { EXIT } from "../exit-code.ts";
import type { ClusterOptions } from "../farm-options.ts";
import { Words } from "../run/words.ts";
import type { Surroundings } from "../surroundings.ts";
import { chooseUart, connectAgent, findInstance } from "./instance-agent.ts";
import { openCluster } from "./open-cluster.ts";

interface LogsOptions extends ClusterOptions {
  readonly follow?: true;
}

/** `emufarm logs emu/NAME`: what the guest wrote on a UART since its pod began, its bytes as they were. */
export async function instanceLogs(
  surroundings: Surroundings,
  name: string,
  uartName: string | undefined,
  options: LogsOptions,
): Promise<number> {
  const { stdout, interrupted } = surroundings;
  const words = new Words(surroundings);
  await using cluster = await openCluster(surroundings, options);
  const instance = await findInstance(cluster, name);
  const uart = chooseUart(instance, uartName);
  const agent = await connectAgent(cluster, instance);
  if (!agent) {
    const problem = `you may not read Secrets in namespace ${cluster.namespace}, and its agent keeps the log`;
    throw new FarmError("ChannelUnreachable", { channel: `The log of ${uart}`, instance: name, problem });
  }
  await using open = agent;
  const range = { isFollowed: options.follow === true, signal: interrupted };
  try {
    for await (const chunk of open.log({ instance: instance.uid }, uart, range)) {
      words.noteOutput(chunk);
      if (!stdout.write(chunk)) await once(stdout, "drain");
    }
  } catch (error) {
    if (!interrupted.aborted) throw error;
    return EXIT.interrupted;
  }
  return EXIT.passed;
}
