import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { installManifest } from "../../scripts/chart/install-manifest.ts";
import { programFolders } from "../../scripts/cluster/tools.ts";
import { ownCacheFolder, projectFolder } from "../../scripts/setup/folders.mjs";
import { noControlPlane, startControlPlane } from "../cluster/control-plane.ts";
import { noHelm, REGISTRY, template } from "./chart.ts";

const MANIFEST = join(projectFolder, "manifests/install.yaml");
const reason = noHelm() ?? noControlPlane();

describe.skipIf(reason)(`what is installed${reason === undefined ? "" : ` (${reason})`}`, () => {
  test("manifests/install.yaml is what the chart renders now", async () => {
    const [folder = ""] = programFolders(ownCacheFolder(), ["helm"]);
    const rendered = await installManifest(projectFolder, join(folder, "helm"));
    expect(readFileSync(MANIFEST, "utf8"), "Type: node scripts/chart.ts").toBe(rendered);
  });

  test("an API server takes install.yaml, then the boards, then the chart with every kind of its own", async () => {
    await using plane = await startControlPlane();
    const apply = (...args: string[]) => kubectl(plane.kubeconfig, "apply", "--server-side", ...args);
    await apply("-f", MANIFEST);
    await plane.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s");
    await apply("-f", join(projectFolder, "manifests/boards"));

    const folder = await mkdtemp(join(tmpdir(), "emu-chart-"));
    try {
      const values = ["api.ingress.enabled=true", "api.ingress.host=farm.example.org", "watchNamespaces={default}"];
      const { stdout } = await template([`image.registry=${REGISTRY}`, "auth.existingSecret=ours", ...values]);
      await writeFile(join(folder, "chart.yaml"), stdout);
      const { stderr } = await apply("--dry-run=server", "--force-conflicts", "-f", join(folder, "chart.yaml"));
      // Whatever breaks the level restricted of the namespace is a warning here.
      expect(stderr).not.toMatch(/PodSecurity|unknown field/);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test("resource definitions are upgraded as docs/install.md says", async () => {
    await using plane = await startControlPlane();
    const [folder = ""] = programFolders(ownCacheFolder(), ["helm"]);
    const { stdout } = await execa(join(folder, "helm"), ["show", "crds", join(projectFolder, "charts/emufarm")]);
    const input = { input: stdout };
    const args = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
    await execa("kubectl", args, { ...input, env: environment(plane.kubeconfig) });
    await execa("kubectl", args, { ...input, env: environment(plane.kubeconfig) });
    const names = await plane.kubectl("get", "crd", "-o", "name");
    expect(names.split("\n")).toHaveLength(4);
  });
});

function environment(kubeconfig: string): Record<string, string> {
  const [folder = ""] = programFolders(ownCacheFolder(), ["kubernetes"]);
  return { KUBECONFIG: kubeconfig, PATH: `${folder}:${process.env.PATH ?? ""}` };
}

function kubectl(kubeconfig: string, ...args: string[]) {
  return execa("kubectl", args, { env: environment(kubeconfig) });
}
