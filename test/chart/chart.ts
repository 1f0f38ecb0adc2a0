import { join } from "node:path";
import { execa } from "execa";
import { parseAllDocuments } from "yaml";
import { missingTools, programFolders } from "../../scripts/cluster/tools.ts";
import { ownCacheFolder, projectFolder } from "../../scripts/setup/folders.mjs";

export const CHART = join(projectFolder, "charts/emufarm");
export const REGISTRY = "registry.example.org/farm";

/** Any rendered object. */
export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
  };
  // biome-ignore lint/suspicious/noExplicitAny: objects of many kinds, as Helm has written them.
  readonly [field: string]: any;
}

/** Why there is no Helm, or undefined where there is. */
export function noHelm(): string | undefined {
  return missingTools(ownCacheFolder(), ["helm"]).length > 0
    ? "Helm is not built: npm run cluster -- build helm"
    : undefined;
}

export async function helm(...args: string[]) {
  const [folder = ""] = programFolders(ownCacheFolder(), ["helm"]);
  return await execa(join(folder, "helm"), args, { reject: false, env: { HOME: "/nonexistent" } });
}

/** What Helm says of these values, as one flag for each: text and code. */
export function template(values: readonly string[], ...args: string[]) {
  const set = values.flatMap((value) => ["--set", value]);
  return helm("template", "farm", CHART, "--namespace", "emufarm-system", ...set, ...args);
}

/** @throws where Helm refuses the values */
export async function render(values: readonly string[], ...args: string[]): Promise<Rendered[]> {
  const { exitCode, stdout, stderr } = await template([`image.registry=${REGISTRY}`, ...values], ...args);
  if (exitCode !== 0) throw new Error(stderr);
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as Rendered | null)
    .filter((object) => object !== null);
}

/** Pods and the pods that others make. */
export function podsOf(
  objects: readonly Rendered[],
): { owner: Rendered; metadata: Rendered["metadata"]; spec: Rendered }[] {
  return objects.flatMap((owner) => {
    if (owner.kind === "Pod") return [{ owner, metadata: owner.metadata, spec: owner.spec }];
    const pod = owner.spec?.template;
    return pod?.spec?.containers === undefined ? [] : [{ owner, metadata: pod.metadata, spec: pod.spec }];
  });
}
