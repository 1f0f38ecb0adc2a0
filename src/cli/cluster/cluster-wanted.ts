import type { ClusterOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";

/** Set by bin/kubectl-emufarm: kubectl has called. */
const PLUG_IN = "EMUFARM_KUBECTL_PLUGIN";

export function isKubectlPlugIn({ env }: Pick<Surroundings, "env">): boolean {
  return env[PLUG_IN] === "1";
}

/** Whether a command that works on a farm is to work on one in a cluster. */
export function isClusterWanted(surroundings: Pick<Surroundings, "env">, options: ClusterOptions): boolean {
  const { context, namespace, kubeconfig } = options;
  return [context, namespace, kubeconfig].some((given) => given !== undefined) || isKubectlPlugIn(surroundings);
}
