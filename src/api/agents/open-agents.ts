import type { Registry } from "prom-client";
import { createAgentClient } from "../../client/agent-client.ts";
import type { Log } from "../../log/log.ts";
import type { ApiConfig } from "../config.ts";
import { type AgentDirectory, fixedAgents } from "./agent-directory.ts";
import type { ClusterSide } from "./cluster-side.ts";

/** The cluster that this process is in, where its agents are in pods. */
export async function openCluster(
  { agentPods, role }: ApiConfig,
  registry: Registry,
  resources: AsyncDisposableStack,
): Promise<ClusterSide | undefined> {
  if (agentPods === undefined) return undefined;
  const { openClusterSide } = await import("./cluster-side.ts");
  return resources.use(openClusterSide({ ...agentPods, role, registry }));
}

/** The agents of the settings, or those in pods. */
export async function openAgents(
  { agentPods, agents, token }: ApiConfig,
  cluster: ClusterSide | undefined,
  log: Log,
): Promise<AgentDirectory> {
  if (agentPods === undefined || !cluster) {
    return fixedAgents(agents.map((address) => createAgentClient({ address, token })));
  }
  const { openPodAgents } = await import("./pod-agents.ts");
  const { labelSelector, namespaces } = agentPods;
  const { client, metrics, keys } = cluster;
  return openPodAgents({ labelSelector, namespaces, client, metrics, keys, log });
}
