import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { makeImage } from "../../scripts/images/build.ts";
import { makeLayer } from "../../scripts/images/layer.ts";
import { writeArchive } from "../../scripts/images/oci-archive.ts";
import { ownCacheFolder, projectFolder } from "../../scripts/setup/folders.mjs";
import type { TestCluster, TestNamespace } from "../cluster/test-cluster.ts";
import { HTPASSWD, registrySettings } from "./registry-process.ts";

const PROGRAM = "/usr/bin/docker-registry";
const IMAGE = "localhost/test-registry:1";
/** Nodes of the test cluster pull from there without TLS. */
const NODE_PORT = 30_500;

/** Debian's docker-registry as an image, over the C library of ours. */
export async function loadRegistryImage(cluster: TestCluster): Promise<void> {
  const cache = ownCacheFolder();
  const { layers, ...image } = await makeImage({ project: projectFolder, cache }, "operator");
  const layer = await makeLayer(cache, { what: "test registry", recipe: 1 }, async (root) => {
    mkdirSync(join(root, "usr/bin"), { recursive: true });
    cpSync(PROGRAM, join(root, PROGRAM));
  });
  const folder = mkdtempSync(join(tmpdir(), "emu-registry-"));
  try {
    const file = join(folder, "registry.tar");
    await writeArchive({ ...image, layers: [...layers.slice(0, 1), { what: "registry", layer }] }, IMAGE, file);
    await cluster.load(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Runs it in the cluster, behind a port of every node; returns that of `node1`.
 * @param hasLogin true: for whoever has the login of the test only
 */
export async function startRegistryPod(
  cluster: TestCluster,
  namespace: TestNamespace,
  { hasLogin }: { readonly hasLogin: boolean },
): Promise<string> {
  const labels = { app: "registry" };
  const files = {
    "config.yml": registrySettings(":5000", "/data", hasLogin ? "/etc/registry/htpasswd" : undefined),
    htpasswd: HTPASSWD,
  };
  const container = {
    name: "registry",
    image: IMAGE,
    imagePullPolicy: "Never",
    command: [PROGRAM, "serve", "/etc/registry/config.yml"],
    readinessProbe: { tcpSocket: { port: 5_000 }, periodSeconds: 1 },
    volumeMounts: [
      { name: "settings", mountPath: "/etc/registry" },
      { name: "data", mountPath: "/data" },
    ],
  };
  const volumes = [
    { name: "settings", configMap: { name: "registry" } },
    { name: "data", emptyDir: {} },
  ];
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "registry", labels },
    spec: { terminationGracePeriodSeconds: 1, securityContext: { fsGroup: 65_532 }, containers: [container], volumes },
  };
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "registry" },
    spec: { type: "NodePort", selector: labels, ports: [{ port: 5_000, nodePort: NODE_PORT }] },
  };
  const settings = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "registry" }, data: files };
  const list = { apiVersion: "v1", kind: "List", items: [settings, pod, service] };
  await namespace.kubectl(["apply", "-f", "-"], JSON.stringify(list));
  await namespace.kubectl(["wait", "--for=condition=Ready", "pod/registry", "--timeout=120s"]);
  const path = "jsonpath={.status.addresses[?(@.type=='InternalIP')].address}";
  const place = `${await cluster.kubectl(["get", "node", "node1", "-o", path])}:${NODE_PORT}`;
  // A node learns of a pod that is ready a moment after everybody else.
  await vi.waitFor(() => fetch(`http://${place}/v2/`), { timeout: 60_000 });
  return place;
}
