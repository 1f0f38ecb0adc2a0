import { unfitHost } from "./host.ts";
import { CLUSTER_TOOLS, type ToolName } from "./tools.ts";

/** Everything that the tests on a cluster use. */
export const TEST_TOOLS: readonly ToolName[] = [...CLUSTER_TOOLS, "helm", "s3-server"];

/**
 * Why the tests bring up no cluster of their own: it takes root and a minute or two, so that it has to be asked for
 * outside of CI. Undefined where they do.
 */
export function noClusterReason(env: NodeJS.ProcessEnv): string | undefined {
  const isWanted = env.EMUFARM_TEST_CLUSTER === "1" || (env.CI === "true" && env.EMUFARM_TEST_CLUSTER !== "0");
  return isWanted ? unfitHost() : "EMUFARM_TEST_CLUSTER=1 brings up a cluster for them";
}
