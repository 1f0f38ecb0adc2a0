import { expect, test } from "vitest";
import {
  cutCable,
  freezeMachine,
  healCable,
  killMachine,
  resumeDaemon,
  startMachine,
  stopDaemon,
  thawMachine,
} from "../../scripts/cluster/faults.ts";
import type { ClusterSettings } from "../../scripts/cluster/settings.ts";
import { describeOnCluster } from "./cluster.ts";
import { probeDeployment } from "./probe-pods.ts";

type Fault = (settings: ClusterSettings) => Promise<void>;

const FAULTS: readonly { readonly what: string; readonly breaks: Fault; readonly mends: Fault }[] = [
  {
    what: "loses its power",
    breaks: (settings) => killMachine(settings, "node3"),
    mends: (settings) => startMachine(settings, "node3"),
  },
  {
    what: "loses its network",
    breaks: (settings) => cutCable(settings, "node3"),
    mends: (settings) => healCable(settings, "node3"),
  },
  {
    what: "hangs",
    breaks: (settings) => freezeMachine(settings, "node3"),
    mends: (settings) => thawMachine(settings, "node3"),
  },
  {
    what: "loses its kubelet",
    breaks: (settings) => stopDaemon(settings, "node3", "kubelet"),
    mends: (settings) => resumeDaemon(settings, "node3", "kubelet"),
  },
];

describeOnCluster("a node of the farm's own cluster", "disruptive", (cluster) => {
  const untilReady = (status: string) =>
    cluster.kubectl(["wait", `--for=condition=Ready=${status}`, "node/node3", "--timeout=60s"]);

  test.each(FAULTS)("that $what is not ready within seconds, and ready again when that is over", async (fault) => {
    const { own } = cluster;
    if (own === undefined) throw new Error("a cluster of our own is needed");
    await untilReady("True");
    await fault.breaks(own);
    try {
      await untilReady("Unknown");
    } finally {
      await fault.mends(own);
    }
    await untilReady("True");
  });

  test("that loses its power loses its pods to others", async () => {
    const { own } = cluster;
    if (own === undefined) throw new Error("a cluster of our own is needed");
    await using namespace = await cluster.makeNamespace("dead-node");
    await namespace.kubectl(["apply", "-f", "-"], probeDeployment("web", 3));
    await namespace.kubectl(["rollout", "status", "deployment/web", "--timeout=60s"]);
    const readyNodes = async () => {
      const slices = await namespace.kubectl(["get", "endpointslices", "-o", "json"]);
      const endpoints: { nodeName: string; conditions: { ready: boolean } }[] = JSON.parse(slices).items.flatMap(
        (slice: { endpoints?: unknown }) => slice.endpoints ?? [],
      );
      return endpoints.filter(({ conditions }) => conditions.ready).map(({ nodeName }) => nodeName);
    };
    expect((await readyNodes()).sort()).toEqual(["node1", "node2", "node3"]);
    await killMachine(own, "node3");
    try {
      await expect.poll(readyNodes, { timeout: 60_000 }).toSatisfy((nodes) => {
        return nodes.length === 3 && !nodes.includes("node3");
      });
    } finally {
      await startMachine(own, "node3");
    }
    await untilReady("True");
  });

  test("is known by all that was written when the control plane comes back", async () => {
    const { own } = cluster;
    if (own === undefined) throw new Error("a cluster of our own is needed");
    await using namespace = await cluster.makeNamespace("power");
    await namespace.kubectl(["create", "configmap", "kept"]);
    await killMachine(own, "control-plane");
    await expect(namespace.kubectl(["get", "configmap", "kept", "--request-timeout=2s"])).rejects.toThrow();
    await startMachine(own, "control-plane");
    await expect
      .poll(
        () => namespace.kubectl(["get", "configmap", "kept", "-o", "name", "--request-timeout=2s"]).catch(() => ""),
        {
          timeout: 90_000,
        },
      )
      .toBe("configmap/kept");
    await untilReady("True");
  });
});
