import { FarmError } from "../../core/error/farm-error.ts";
import { EMULATOR_INSTANCE } from "../../core/kubernetes/custom-resources.ts";
import { connectAgent, findInstance, type PlacedInstance } from "../cluster/instance-agent.ts";
import { type Cluster, openCluster } from "../cluster/open-cluster.ts";
import type { ClusterOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";
import type { Target } from "./target.ts";
import { unknownTarget } from "./unknown-target.ts";

/**
 * An instance in a cluster: its agent by way of the API server, where one may read its Secret; else its raw ports.
 * @throws {FarmError} UnknownTarget with the nearest instance; ChannelUnreachable while it has no pod
 */
export async function openClusterTarget(
  surroundings: Surroundings,
  name: string,
  options: ClusterOptions,
): Promise<Target> {
  await using opening = new AsyncDisposableStack();
  const cluster = opening.use(await openCluster(surroundings, options));
  const instance = await find(cluster, name);
  const agent = await connectAgent(cluster, instance);
  const noAgent = "problem" in agent ? agent.problem : undefined;
  const channels = "problem" in agent ? undefined : opening.use(agent).channels({ instance: instance.uid });
  const open = opening.move();
  const need = (what: string) => {
    if (channels) return channels;
    throw new FarmError("ChannelUnreachable", { channel: what, instance: name, problem: noAgent ?? "it has no agent" });
  };
  return {
    name: `emu/${name}`,
    hasAgent: channels !== undefined,
    request: async (call) => await need(call.path).request(call),
    bytes: (call) => need(call.path).bytes(call),
    openWebSocket: async (path, onMessage) => await need(path).openWebSocket(path, onMessage),
    board: async () => instance.board,
    readLog: (uart, { isFollowed = false, signal } = {}) =>
      need(`The log of ${uart}`).bytes({
        method: "GET",
        path: `uarts/${encodeURIComponent(uart)}/log?follow=${isFollowed}`,
        // A guest may be silent as long as it likes.
        silenceMs: 0,
        ...(signal && { signal }),
      }),
    openRaw: (channel) => openRaw(cluster, instance, channel, noAgent),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

async function find(cluster: Cluster, name: string): Promise<PlacedInstance> {
  try {
    return await findInstance(cluster, name);
  } catch (error) {
    if (!(error instanceof FarmError) || error.code !== "NotFound") throw error;
    const { namespace } = cluster;
    const { items } = await cluster.ask(`EmulatorInstances in namespace ${namespace}`, ({ client }) =>
      client.list(EMULATOR_INSTANCE, { namespace }),
    );
    const known = items.map(({ metadata }) => `emu/${metadata.name}`);
    throw unknownTarget(`emu/${name}`, known, { where: `namespace ${namespace}`, cause: error });
  }
}

async function openRaw(
  cluster: Cluster,
  { object, pod }: PlacedInstance,
  channel: string,
  noAgent: string | undefined,
): ReturnType<Target["openRaw"]> {
  const { name = "", namespace = "" } = object.metadata;
  const port = object.status?.endpoints?.find((endpoint) => endpoint.name === channel)?.port;
  if (port === undefined) {
    const none = "the instance lists no raw port for it (spec.channels)";
    const problem = noAgent === undefined ? none : `${none}; ${noAgent}`;
    throw new FarmError("ChannelUnreachable", { channel, instance: name, problem });
  }
  const target = { namespace, pod: pod.metadata.name ?? "", port };
  return await cluster.ask(`Pod ${target.pod}`, (kube) => kube.connect(target));
}
