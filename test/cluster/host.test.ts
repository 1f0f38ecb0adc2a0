import { expect, test } from "vitest";
import { checkWatches, unfitHost } from "../../scripts/cluster/host.ts";
import { noClusterReason } from "../../scripts/cluster/wanted.ts";
import { clusterFromEnv } from "./cluster.ts";

test.each(["kubelet", "k3s-server", "containerd", "dockerd", "crio"])("no cluster stands beside %s", (name) => {
  expect(unfitHost(() => ["init", name, "bash"])).toBe(
    `${name} runs on this machine: a cluster of the farm's own would get in its way`,
  );
});

test("no cluster is brought up where its daemons could not watch their files", () => {
  expect(() => checkWatches(82, 128)).not.toThrow();
  expect(() => checkWatches(83, 128)).toThrow("root has 83 of 128 inotify instances in use, and a cluster takes 46: ");
});

test.each<[string, NodeJS.ProcessEnv]>([
  ["nobody asked for it", {}],
  ["somebody asked for none", { CI: "true", EMUFARM_TEST_CLUSTER: "0" }],
])("tests bring up no cluster where %s, and say how it is asked for", (_, env) => {
  expect(noClusterReason(env)).toBe("EMUFARM_TEST_CLUSTER=1 brings up a cluster for them");
});

test("a cluster that is at hand serves the tests that harm nobody, and no others", () => {
  const env = { KUBECONFIG: "/somewhere/config" };
  expect(clusterFromEnv("safe", env)).toMatchObject({ cluster: { kubeconfig: "/somewhere/config", own: undefined } });
  expect(clusterFromEnv("disruptive", env)).toEqual({ reason: "EMUFARM_TEST_CLUSTER=1 brings up a cluster for them" });
});
