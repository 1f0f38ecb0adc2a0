import type { Registry } from "prom-client";
import packageFile from "../../../package.json" with { type: "json" };
import { createAgentClient } from "../../client/agent-client.ts";
import type { Log } from "../../log/log.ts";
import type { ApiConfig } from "../config.ts";
import { type AgentDirectory, fixedAgents } from "./agent-directory.ts";

/** The agents of the settings. Kubernetes is loaded where they are in pods only: it takes long, and much memory. */
export async function openAgents(config: ApiConfig, metrics: Registry, log: Log): Promise<AgentDirectory> {
  const { agentPods, token } = config;
  if (agentPods === undefined)
    return fixedAgents(config.agents.map((address) => createAgentClient({ address, token })));
  const [{ createKubeClient }, { createKubeMetrics }, { openPodAgents }, { openAgentKeys }] = await Promise.all([
    import("../../kube/create-kube-client.ts"),
    import("../../kube/kube-metrics.ts"),
    import("./pod-agents.ts"),
    import("./agent-keys.ts"),
  ]);
  const kubeMetrics = createKubeMetrics(metrics);
  const userAgent = `emufarm-${config.role}/${packageFile.version}`;
  const client = createKubeClient({ source: { inCluster: true }, metrics: kubeMetrics, userAgent });
  const { keysFolder, ...where } = agentPods;
  const directory = openPodAgents({ ...where, keys: openAgentKeys(keysFolder), client, metrics: kubeMetrics, log });
  return {
    agents: directory.agents,
    known: directory.known,
    watch: (listener) => directory.watch(listener),
    async [Symbol.asyncDispose]() {
      await directory[Symbol.asyncDispose]();
      await client[Symbol.asyncDispose]();
    },
  };
}
