import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openAgentKeys } from "../../../src/api/agents/agent-keys.ts";
import { addressesOf, openPodAgents } from "../../../src/api/agents/pod-agents.ts";
import { createKubeClient } from "../../../src/kube/create-kube-client.ts";
import type { KubeClient } from "../../../src/kube/kube-client.ts";
import { createKubeMetrics } from "../../../src/kube/kube-metrics.ts";
import { createLog } from "../../../src/log/log.ts";
import { type ControlPlane, noControlPlane, startControlPlane } from "../../cluster/control-plane.ts";
import { PATIENCE } from "../../patience.ts";

const reason = noControlPlane();
const log = createLog({ name: "test", level: "silent" });

test("an agent is where its pod is, while that runs", () => {
  const pod = (uid: string, status: object) => ({ apiVersion: "v1", kind: "Pod", metadata: { uid }, status });
  const pods = [
    pod("starting", { phase: "Pending" }),
    pod("runs", { phase: "Running", podIP: "192.0.2.1" }),
    pod("six", { phase: "Running", podIP: "2001:db8::1" }),
    pod("ended", { phase: "Failed", podIP: "192.0.2.2" }),
    // Its address is another pod's meanwhile.
    pod("evicted", { phase: "Failed", podIP: "192.0.2.1" }),
  ];
  expect([...addressesOf(pods)].map(([address, { metadata }]) => [address, metadata.uid])).toEqual([
    ["https://192.0.2.1:8080", "runs"],
    ["https://[2001:db8::1]:8080", "six"],
  ]);
});

test("an agent whose keys are not there yet is known when they are, though no pod has changed", async () => {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "first", namespace: "one", uid: "first", resourceVersion: "1" },
    status: { phase: "Running", podIP: "192.0.2.1" },
  };
  const client = {
    list: async () => ({ items: [pod], resourceVersion: "1" }),
    // Nothing changes.
    watch: (_resource: unknown, { signal }: { signal: AbortSignal }) => ({
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      }),
    }),
  } as unknown as KubeClient;
  let isThere = false;
  const keys = {
    async credentialsFor() {
      if (!isThere) throw new Error("the folder is empty");
      return { token: "token", tls: { authority: "authority", serverName: "first" } };
    },
  };
  const metrics = createKubeMetrics(new Registry());
  await using directory = openPodAgents({ client, metrics, log, labelSelector: "", namespaces: [], keys });
  await directory.known;
  expect([...directory.agents.keys()]).toEqual([]);
  isThere = true;
  await vi.waitFor(() => expect([...directory.agents.keys()]).toEqual(["https://192.0.2.1:8080"]), 10_000);
});

describe.skipIf(reason)(`the agents in pods${reason === undefined ? "" : ` (${reason})`}`, () => {
  let plane: ControlPlane;
  let keysFolder = "";
  beforeAll(async () => {
    plane = await startControlPlane();
    keysFolder = await mkdtemp(join(tmpdir(), "emu-keys-"));
    await writeFile(join(keysFolder, "ca.crt"), "an authority");
    await writeFile(join(keysFolder, "signing.json"), JSON.stringify({ keys: [] }));
  });
  afterAll(async () => {
    await plane?.[Symbol.asyncDispose]();
    await rm(keysFolder, { recursive: true, force: true });
  });

  async function createPod(namespace: string, name: string, labels: object, podIP: string): Promise<void> {
    const containers = [{ name: "agent", image: "agent" }];
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name, namespace, labels }, spec: { containers } };
    const file = join(keysFolder, `${name}.json`);
    await writeFile(file, JSON.stringify(pod));
    await plane.kubectl("create", "-f", file);
    await setStatus(namespace, name, { phase: "Running", podIP, podIPs: [{ ip: podIP }] });
  }

  const setStatus = (namespace: string, name: string, status: object) =>
    plane.kubectl("patch", "pod", name, "-n", namespace, "--subresource=status", "-p", JSON.stringify({ status }));

  test("come and go with their pods, in the namespaces that are asked for", async () => {
    for (const namespace of ["one", "two", "three"]) await plane.kubectl("create", "namespace", namespace);
    const ofPool = { "emufarm.dev/pool": "warm" };
    await createPod("one", "first", ofPool, "192.0.2.1");
    await createPod("one", "other", { app: "other" }, "192.0.2.2");
    await createPod("three", "elsewhere", ofPool, "192.0.2.3");

    const metrics = createKubeMetrics(new Registry());
    const source = { kubeconfigFile: plane.kubeconfig };
    await using client = createKubeClient({ source, metrics, userAgent: "test" });
    const where = { labelSelector: "emufarm.dev/pool", namespaces: ["one", "two"], keys: openAgentKeys(keysFolder) };
    await using directory = openPodAgents({ ...where, client, metrics, log });
    const addresses = () => [...directory.agents.keys()].sort();
    await directory.known;
    expect(addresses()).toEqual(["https://192.0.2.1:8080"]);

    const seen: string[][] = [];
    directory.watch(() => seen.push(addresses()));
    await createPod("two", "second", ofPool, "192.0.2.4");
    await vi.waitFor(() => expect(addresses()).toEqual(["https://192.0.2.1:8080", "https://192.0.2.4:8080"]), PATIENCE);
    await setStatus("one", "first", { phase: "Failed" });
    await vi.waitFor(() => expect(addresses()).toEqual(["https://192.0.2.4:8080"]), PATIENCE);
    expect(seen.at(-1)).toEqual(addresses());
  });

  test("are another agent where another pod has the address of one that has gone", async () => {
    await plane.kubectl("create", "namespace", "again");
    const labels = { "emufarm.dev/pool": "warm" };
    await createPod("again", "old", labels, "192.0.2.9");
    const metrics = createKubeMetrics(new Registry());
    await using client = createKubeClient({ source: { kubeconfigFile: plane.kubeconfig }, metrics, userAgent: "test" });
    const where = { labelSelector: "emufarm.dev/pool", namespaces: ["again"], keys: openAgentKeys(keysFolder) };
    await using directory = openPodAgents({ ...where, client, metrics, log });
    await directory.known;
    const before = directory.agents.get("https://192.0.2.9:8080");
    await plane.kubectl("delete", "pod", "old", "-n", "again", "--force", "--grace-period=0");
    await createPod("again", "new", labels, "192.0.2.9");
    await vi.waitFor(() => {
      const after = directory.agents.get("https://192.0.2.9:8080");
      expect(after).toBeDefined();
      expect(after).not.toBe(before);
    }, PATIENCE);
  });
});
