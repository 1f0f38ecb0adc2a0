import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { programFolders } from "../../scripts/cluster/tools.ts";
import { ownCacheFolder, projectFolder } from "../../scripts/setup/folders.mjs";
import { machineAt } from "../../scripts/setup/system-packages.mjs";
import { describeOnCluster } from "../cluster/cluster.ts";
import type { TestNamespace } from "../cluster/test-cluster.ts";
import { loadRegistryImage, startRegistryPod } from "../images/registry-pod.ts";

const PREPARE_MS = 600_000;
const COMMANDS_MS = 900_000;
const VALUES = join(projectFolder, "images.values.yaml");
const hasRegistry = machineAt(`${process.env.PATH}${delimiter}/usr/bin`).hasCommand("docker-registry");

/** The lines of the section's shell blocks, in order, without their comments. */
function commands(): string[] {
  const [, rest = ""] = readFileSync(join(projectFolder, "README.md"), "utf8").split("\n## On Kubernetes\n");
  const [section = ""] = rest.split("\n## ");
  const blocks = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = ""]) => block);
  return blocks
    .join("")
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(/\s+#.*$/, ""));
}

describeOnCluster("the README's commands for Kubernetes", "disruptive", (cluster) => {
  let registry = "";
  let place: TestNamespace;
  // No farm of this machine is meant.
  const data = mkdtempSync(join(tmpdir(), "emu-readme-"));

  beforeAll(async () => {
    if (!hasRegistry) return;
    // The chart brings them, where nobody has before.
    const definitions = ["boards", "clusterboards", "emulatorinstances", "emulatorpools"];
    const names = definitions.map((name) => `crd/${name}.emufarm.dev`);
    await cluster.kubectl(["delete", "--ignore-not-found", "--timeout=120s", ...names]);
    await loadRegistryImage(cluster);
    place = await cluster.makeNamespace("registry");
    registry = await startRegistryPod(cluster, place, { hasLogin: false });
  }, PREPARE_MS);
  afterAll(async () => {
    rmSync(VALUES, { force: true });
    rmSync(data, { recursive: true });
    await cluster.kubectl(["delete", "namespace", "emufarm-system", "--ignore-not-found"]);
    await place?.[Symbol.asyncDispose]();
  }, PREPARE_MS);

  /** As a person's shell would in the project's folder, with a registry that has no certificate. */
  async function type(line: string): Promise<string> {
    const own = line.replace("registry.example.org", registry).replace(/( -- push \S+)/, "$1 --plain-http");
    const path = [...programFolders(ownCacheFolder(), ["kubernetes", "helm"]), process.env.PATH].join(delimiter);
    const env = { PATH: path, KUBECONFIG: cluster.kubeconfig, EMUFARM_DATA: data };
    const { all } = await execa("bash", ["-c", `set -o pipefail; ${own}`], { cwd: projectFolder, env, all: true });
    return all;
  }

  test("install a farm, a board and a run, upgrade and uninstall it", { timeout: COMMANDS_MS }, async (context) => {
    if (!hasRegistry) return context.skip("docker-registry is not installed");
    const said = new Map<string, string>();
    for (const line of commands()) said.set(line.split(" ").slice(0, 2).join(" "), await type(line));
    expect(said.get("bin/emufarm logs")).toContain("emufarm shell on mps2-an385");
    expect(said.get("bin/emufarm run")).toContain("boot ok");
    expect([...said.keys()]).toEqual(expect.arrayContaining(["helm upgrade", "helm uninstall"]));
    const pods = () => cluster.kubectl(["get", "pods", "--all-namespaces", "-l", "app.kubernetes.io/part-of=emufarm"]);
    await expect.poll(pods, { timeout: 120_000, interval: 1_000 }).toBe("");
    return undefined;
  });
});
