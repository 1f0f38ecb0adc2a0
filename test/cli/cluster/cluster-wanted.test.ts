import { expect, test } from "vitest";
import { isClusterWanted, isKubectlPlugIn } from "../../../src/cli/cluster/cluster-wanted.ts";
import type { ClusterOptions } from "../../../src/cli/farm-options.ts";

test.each<[string, Readonly<Record<string, string>>, ClusterOptions, boolean]>([
  ["nothing is said", {}, {}, false],
  ["a context is named", {}, { context: "lab" }, true],
  ["a namespace is named", {}, { namespace: "bench" }, true],
  ["a kubeconfig is named", {}, { kubeconfig: "/k" }, true],
  ["kubectl has called", { EMUFARM_KUBECTL_PLUGIN: "1" }, {}, true],
  ["the variable is empty", { EMUFARM_KUBECTL_PLUGIN: "" }, {}, false],
  ["only kubectl's own variable is set", { KUBECONFIG: "/k" }, {}, false],
])("where %s, a cluster is wanted or not", (_what, env, options, isWanted) => {
  expect(isClusterWanted({ env }, options)).toBe(isWanted);
  expect(isKubectlPlugIn({ env })).toBe(env.EMUFARM_KUBECTL_PLUGIN === "1");
});
