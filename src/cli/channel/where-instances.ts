import { existsSync } from "node:fs";
import { join } from "node:path";
import { isClusterWanted } from "../cluster/cluster-wanted.ts";
import { findFarm } from "../farm/find-farm.ts";
import type { FarmOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";

/**
 * Whether a word about an instance means a cluster: one that was named, or, where no farm was named and none is up
 * here, that of the kubeconfig. A folder that `EMUFARM_DATA` names comes before a kubeconfig that only lies where
 * kubectl looks.
 */
export async function areInstancesOnCluster(surroundings: Surroundings, options: FarmOptions): Promise<boolean> {
  if (isClusterWanted(surroundings, options)) return true;
  if ([options.farm, options.data, surroundings.env.EMUFARM_URL].some((given) => given !== undefined)) return false;
  return hasKubeconfig(surroundings) && (await findFarm(surroundings, options)) === undefined;
}

function hasKubeconfig({ env, home }: Surroundings): boolean {
  if ((env.KUBECONFIG ?? "") !== "") return true;
  if ((env.EMUFARM_DATA ?? "") !== "") return false;
  return env.KUBERNETES_SERVICE_HOST !== undefined || existsSync(join(home, ".kube/config"));
}
