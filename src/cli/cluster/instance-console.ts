import { once } from "node:events";
import { FarmError } from "../../core/error/farm-error.ts";
import { attachConsole } from "../command/attach-console.ts";
import { EXIT } from "../exit-code.ts";
import type { ClusterOptions } from "../farm-options.ts";
import { joinInput } from "../screen/keyboard.ts";
import type { Surroundings } from "../surroundings.ts";
import { chooseUart, connectAgent, findInstance, type PlacedInstance } from "./instance-agent.ts";
import { type Cluster, openCluster } from "./open-cluster.ts";

interface ConsoleOptions extends ClusterOptions {
  readonly raw?: true;
}

/**
 * `emufarm console emu/NAME`: a UART of an instance, by the agent where one may read its Secret, else by the raw port
 * that the instance lists.
 */
export async function instanceConsole(
  surroundings: Surroundings,
  name: string,
  uartName: string | undefined,
  options: ConsoleOptions,
): Promise<number> {
  await using cluster = await openCluster(surroundings, options);
  const instance = await findInstance(cluster, name);
  const uart = chooseUart(instance, uartName);
  const agent = await connectAgent(cluster, instance);
  if (!agent) return await rawConsole(surroundings, cluster, instance, uart, options);
  await using open = agent;
  return await attachConsole(surroundings, {
    title: `${uart} of emu/${name}`,
    isRaw: options.raw === true,
    open: (onMessage) => open.openConsole({ instance: instance.uid }, uart, onMessage),
  });
}

async function rawConsole(
  { stdin, stdout, stderr, interrupted }: Surroundings,
  cluster: Cluster,
  { object, pod }: PlacedInstance,
  uart: string,
  options: ConsoleOptions,
): Promise<number> {
  const { name = "", namespace = "" } = object.metadata;
  const port = object.status?.endpoints?.find((endpoint) => endpoint.name === uart)?.port;
  if (port === undefined) {
    const problem = `you may not read Secrets in namespace ${namespace}, and the instance lists no raw port for it (spec.channels)`;
    throw new FarmError("ChannelUnreachable", { channel: uart, instance: name, problem });
  }
  const target = { namespace, pod: pod.metadata.name ?? "", port };
  const stream = await cluster.ask(`Pod ${target.pod}`, (kube) => kube.connect(target));
  const say = (text: string) => {
    if (!options.raw) stderr.write(`\r\nemufarm: ${text}\r\n`);
  };
  stream.pipe(stdout, { end: false });
  const leave = () => stream.destroy();
  interrupted.addEventListener("abort", leave, { once: true });
  if (stdin.isTTY) say(`attached to ${uart} of emu/${name}; Ctrl-A x detaches`);
  using _input = joinInput(stdin, Promise.resolve({ write: (bytes) => stream.write(bytes) }), leave, options.raw);
  let failure: Error | undefined;
  stream.once("error", (error) => {
    failure = error;
  });
  if (!stream.closed) await once(stream, "close");
  const broken = failure;
  if (broken instanceof Error) await cluster.ask(`Pod ${target.pod}`, () => Promise.reject(broken));
  say("detached");
  return EXIT.passed;
}
