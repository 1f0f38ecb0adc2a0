import { beforeAll, describe } from "vitest";
import { bringUp } from "../../scripts/cluster/cluster.ts";
import { clusterFromNumber } from "../../scripts/cluster/settings.ts";
import { noClusterReason } from "../../scripts/cluster/wanted.ts";
import { ownCacheFolder } from "../../scripts/setup/folders.mjs";
import { type TestCluster, testCluster } from "./test-cluster.ts";

const BRING_UP_MS = 300_000;

/**
 * What tests do to a cluster. `safe`: they stay in namespaces of their own, so that any cluster will do.
 * `disruptive`: nodes die, or objects of the whole cluster change.
 */
export type Manners = "safe" | "disruptive";

/** The cluster for tests of these manners, or why there is none. */
export function clusterFromEnv(
  manners: Manners,
  env: NodeJS.ProcessEnv = process.env,
): { readonly cluster: TestCluster; readonly reason?: undefined } | { readonly reason: string } {
  if (env.KUBECONFIG && manners === "safe") return { cluster: testCluster(env.KUBECONFIG, undefined) };
  const reason = noClusterReason(env);
  if (reason !== undefined) return { reason };
  const settings = clusterFromNumber(ownCacheFolder(), env);
  return { cluster: testCluster(settings.kubeconfig, settings) };
}

/** Tests on a cluster, which is brought up for the first of them; skipped, with the reason, where there is none. */
export function describeOnCluster(name: string, manners: Manners, tests: (cluster: TestCluster) => void): void {
  const found = clusterFromEnv(manners);
  if (found.reason !== undefined) {
    const nowhere = testCluster("", undefined);
    describe.skip(`${name} (${found.reason})`, () => tests(nowhere));
    return;
  }
  const { cluster } = found;
  describe(name, () => {
    beforeAll(async () => {
      if (cluster.own !== undefined) await bringUp(cluster.own);
    }, BRING_UP_MS);
    tests(cluster);
  });
}
