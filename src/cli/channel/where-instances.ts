import { existsSync } from "node:fs";
import { join } from "node:path";
import { isClusterWanted } from "../cluster/cluster-wanted.ts";
import { findFarm } from "../farm/find-farm.ts";
import type { FarmOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";

/**
 * Whether a word about an instance means a cluster: one that was named, or, where no farm was named and none is up
 * here, that of the kubeconfig.
 */
export async function areInstancesOnCluster(surroundings: Surroundings, options: FarmOptions): Promise<boolean> {
  if (isClusterWanted(surroundings, options)) return true;
  if ([options.farm, options.data, surroundings.env.EMUFARM_URL].some((given) => given !== undefined)) return false;
  return hasKubeconfig(surroundings) && (await findFarm(surroundings, options)) === undefined;
}

function hasKubeconfig({ env, home }: Surroundings): boolean {
  if ((env.KUBECONFIG ?? "") !== "" || env.KUBERNETES_SERVICE_HOST !== undefined) return true;
  return existsSync(join(home, ".kube/config"));
}
