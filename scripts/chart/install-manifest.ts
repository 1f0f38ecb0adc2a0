/** `manifests/install.yaml`: the chart as it comes, for those who do without Helm. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";

const NAMESPACE = "emufarm-system";
const VALUES = ["image.registry=registry.example.org/emufarm", "boards.install=false"];

const HEAD = `# Made by node scripts/chart.ts from charts/emufarm: emufarm VERSION, for the namespace ${NAMESPACE}.
# Put your own registry in the place of registry.example.org/emufarm: docs/install.md says how. Boards: manifests/boards.
---
apiVersion: v1
kind: Namespace
metadata:
  name: ${NAMESPACE}
  labels:
    app.kubernetes.io/part-of: emufarm
    pod-security.kubernetes.io/enforce: restricted
`;

/** The text of the manifest, by this program of Helm. */
export async function installManifest(project: string, helm: string): Promise<string> {
  const { version } = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
  const set = VALUES.flatMap((value) => ["--set", value]);
  const options = ["--namespace", NAMESPACE, "--include-crds", "--no-hooks", "--skip-tests", ...set];
  const { stdout } = await execa(helm, ["template", "emufarm", join(project, "charts/emufarm"), ...options]);
  const objects = stdout.replaceAll("app.kubernetes.io/managed-by: Helm", "app.kubernetes.io/managed-by: kubectl");
  return `${HEAD.replace("VERSION", version)}${objects.trimEnd()}\n`;
}
