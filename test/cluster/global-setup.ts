import { isUp, takeDown } from "../../scripts/cluster/cluster.ts";
import { clusterFromNumber } from "../../scripts/cluster/settings.ts";
import { noClusterReason } from "../../scripts/cluster/wanted.ts";
import { ownCacheFolder } from "../../scripts/setup/folders.mjs";

/**
 * The first test that needs the cluster brings it up, and it goes after the last, unless somebody had it up before.
 */
export default function setUpCluster(): (() => Promise<void>) | undefined {
  const settings = clusterFromNumber(ownCacheFolder(), process.env);
  if (noClusterReason(process.env) !== undefined || isUp(settings)) return undefined;
  return () => takeDown(settings);
}
