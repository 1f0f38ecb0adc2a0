import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectFolder } from "../../scripts/setup/folders.mjs";
import { CliPlace } from "../cli/cli-place.ts";
import { describeOnCluster } from "../cluster/cluster.ts";
import { type InstalledFarm, installFarm } from "./installed-farm.ts";
import { addressesOf, type NetworkProbe, startProbe } from "./network-probes.ts";

const INSTALL_MS = 900_000;
const TEST_MS = 300_000;
const WAIT = "--timeout=120s";

const only = (list: string, label: string) => `networkPolicies.${list}[0].podSelector.matchLabels.may=${label}`;
const part = (component: string) => ({
  "app.kubernetes.io/name": `emufarm-${component}`,
  "app.kubernetes.io/instance": "emufarm",
  "app.kubernetes.io/component": component,
  "app.kubernetes.io/part-of": "emufarm",
});

/** Who dials whom, and what becomes of it. */
const CONNECTIONS: readonly (readonly [from: string, to: string, way: "passes" | "is refused"])[] = [
  ["reader", "operator:8080", "passes"],
  ["stranger", "operator:8080", "is refused"],
  ["reader", "api:8081", "passes"],
  ["stranger", "api:8081", "is refused"],
  ["caller", "api:8080", "passes"],
  ["stranger", "api:8080", "is refused"],
  ["operator", "api:8080", "passes"],
  ["operator", "redis:6379", "is refused"],
  ["api", "redis:6379", "passes"],
  ["caller", "redis:6379", "is refused"],
  ["redis", "api:8080", "is refused"],
  ["operator", "agent:8080", "passes"],
  ["api", "agent:8080", "passes"],
  ["redis", "agent:8080", "is refused"],
  ["neighbour", "agent:8080", "is refused"],
  ["neighbour", "agent:5000", "passes"],
  ["stranger", "agent:5000", "is refused"],
  ["agent", "api:8080", "passes"],
  ["agent", "api:8081", "is refused"],
  ["agent", "redis:6379", "is refused"],
  ["neighbour", "neighbour:7777", "passes"],
  ["agent", "neighbour:7777", "is refused"],
  ["operator", "neighbour:7777", "is refused"],
];

describeOnCluster("the network of a farm by the chart", "disruptive", (cluster) => {
  let farm: InstalledFarm;
  const probes = new Map<string, NetworkProbe>();
  const addresses = new Map<string, string>();

  beforeAll(async () => {
    const policies = [only("metricsFrom", "read"), only("apiFrom", "call")];
    const channels = "networkPolicies.channelsFrom[0].podSelector.matchLabels.may=use";
    farm = await installFarm(cluster, [...policies, channels]);
    await farm.boards.kubectl(["apply", "-f", join(projectFolder, "manifests/examples/instance.yaml")]);
    await farm.boards.kubectl(["wait", "--for=condition=Ready", "emu/sensor-01", WAIT]);
    const { system, boards } = farm;
    for (const [name, namespace, labels] of [
      ["reader", system, { may: "read" }],
      ["caller", system, { may: "call" }],
      ["stranger", system, {}],
      ["operator", system, part("operator")],
      ["api", system, part("api")],
      ["redis", system, part("redis")],
      ["neighbour", boards, { may: "use" }],
      ["agent", boards, { "app.kubernetes.io/name": "emufarm-agent" }],
    ] as const) {
      probes.set(name, await startProbe(namespace, `probe-${name}`, labels));
    }
    for (const [name, namespace, selector] of [
      ["operator", system, "app.kubernetes.io/component=operator,pod-template-hash"],
      ["api", system, "app.kubernetes.io/component=api,pod-template-hash"],
      ["redis", system, "statefulset.kubernetes.io/pod-name"],
      ["agent", boards, "emufarm.dev/instance=sensor-01"],
      ["neighbour", boards, "may=use"],
    ] as const) {
      const [address = ""] = await addressesOf(namespace, selector);
      addresses.set(name, address);
    }
  }, INSTALL_MS);
  afterAll(async () => {
    await farm?.[Symbol.asyncDispose]();
  }, TEST_MS);

  test.each(CONNECTIONS)("a connection of %s to %s %s", { timeout: TEST_MS }, async (from, to, way) => {
    const [host = "", port] = to.split(":");
    const reached = () => probes.get(from)?.reaches(`${addresses.get(host)}:${port}`);
    // A pod's rules are there a moment after the pod.
    await expect.poll(reached, { timeout: 60_000 }).toBe(way === "passes");
  });

  test("is looked at by doctor, which says when policies are not heeded", { timeout: TEST_MS }, async () => {
    using place = new CliPlace();
    const env = { KUBECONFIG: cluster.kubeconfig };
    const doctor = async () => (await place.run(["doctor", "--probe-network", "-n", farm.system.name], { env })).stdout;
    // The API lets in whom it is told to, which the pod of the probe is not.
    expect(await doctor()).toMatch(/^warn +network +a pod reaches neither the farm's Redis nor its API/m);
    await farm.system.kubectl(["delete", "networkpolicy", "emufarm-redis"]);
    await expect.poll(doctor, { timeout: 120_000 }).toMatch(/^fail +network +policies are not enforced/m);
  });

  test("goes with the farm when it is uninstalled", { timeout: TEST_MS }, async () => {
    await farm.boards.kubectl(["delete", "emulatorinstances", "--all", WAIT]);
    await farm.boards.kubectl(["wait", "--for=delete", "pods", "-l", "emufarm.dev/instance", WAIT]);
    await farm.helm("uninstall", "--wait");
    const left = () => farm.boards.kubectl(["get", "configmaps,networkpolicies,secrets,services", "-o", "name"]);
    await expect.poll(left, { timeout: 120_000 }).toBe("configmap/kube-root-ca.crt");
  });
});
