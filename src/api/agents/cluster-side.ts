import type { Registry } from "prom-client";
import packageFile from "../../../package.json" with { type: "json" };
import { createKubeClient } from "../../kube/create-kube-client.ts";
import type { KubeClient } from "../../kube/kube-client.ts";
import { createKubeMetrics, type KubeMetrics } from "../../kube/kube-metrics.ts";
import { type AgentKeys, openAgentKeys } from "./agent-keys.ts";

/** What this process has where it runs in a pod: the cluster, and the keys for its agents. */
export interface ClusterSide extends AsyncDisposable {
  readonly client: KubeClient;
  readonly metrics: KubeMetrics;
  readonly keys: AgentKeys;
}

export interface ClusterSideOptions {
  readonly role: string;
  readonly keysFolder: string;
  /** Default: the service account of the pod. */
  readonly kubeconfig: string | undefined;
  readonly registry: Registry;
}

/** Not imported on one machine: it takes long to load, and much memory. */
export function openClusterSide(options: ClusterSideOptions): ClusterSide {
  const { role, keysFolder, kubeconfig, registry } = options;
  const metrics = createKubeMetrics(registry);
  const userAgent = `emufarm-${role}/${packageFile.version}`;
  const source = kubeconfig === undefined ? { inCluster: true as const } : { kubeconfigFile: kubeconfig };
  const client = createKubeClient({ source, metrics, userAgent });
  return {
    client,
    metrics,
    keys: openAgentKeys(keysFolder),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}
