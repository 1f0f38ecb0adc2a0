import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { programFolders } from "../../scripts/cluster/tools.ts";
import { buildImage } from "../../scripts/images/build.ts";
import { IMAGE_NAMES } from "../../scripts/images/definition.ts";
import { ownCacheFolder, projectFolder } from "../../scripts/setup/folders.mjs";
import type { TestCluster, TestNamespace } from "../cluster/test-cluster.ts";
import { CHART } from "./chart.ts";

/** A farm on a cluster, of the present sources, by the chart. */
export interface InstalledFarm extends AsyncDisposable {
  /** Where the farm's own pods are. */
  readonly system: TestNamespace;
  /** The one namespace that it serves. */
  readonly boards: TestNamespace;
  /** Runs Helm for the release. */
  helm(verb: "upgrade" | "rollback" | "test" | "uninstall", ...args: string[]): Promise<string>;
}

const RELEASE = "emufarm";
const WAIT = "--timeout=180s";

/** Makes the images of the present sources and has them on every node. */
export async function loadImages(cluster: TestCluster): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "emu-images-"));
  try {
    for (const name of IMAGE_NAMES) {
      const { file } = await buildImage({ project: projectFolder, cache: ownCacheFolder() }, name, folder);
      await cluster.load(file);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What no namespace has, and so is every farm's. @param project whose */
export async function applyDefinitions(cluster: TestCluster, project: string): Promise<void> {
  for (const folder of ["charts/emufarm/crds", "manifests/boards"]) {
    await cluster.kubectl(["apply", "--server-side", "--force-conflicts", "-f", join(project, folder)]);
    await cluster.kubectl(["wait", "--for=condition=Established", "crd", "--all", WAIT]);
  }
}

export interface InstallOptions {
  /** Another chart than the present one, whose images and definitions the cluster has. */
  readonly chart?: string;
  /** Gets the farm's own namespace before anything is in it. */
  readonly prepare?: (system: TestNamespace) => Promise<unknown>;
}

/** @param values further ones of the chart, each `name=value` */
export async function installFarm(
  cluster: TestCluster,
  values: readonly string[] = [],
  { chart, prepare }: InstallOptions = {},
): Promise<InstalledFarm> {
  if (chart === undefined) {
    await loadImages(cluster);
    await applyDefinitions(cluster, projectFolder);
  }
  const local = ["image.registry=localhost", "image.pullPolicy=Never", ...values];
  const flags = local.flatMap((value) => ["--set", value]);
  return await install(cluster, chart ?? CHART, flags, prepare);
}

/**
 * A farm of the present chart whose images the nodes pull.
 * @param flags of Helm, which say from where
 * @param prepare gets the farm's own namespace before anything is in it
 */
export function installFromRegistry(
  cluster: TestCluster,
  flags: readonly string[],
  prepare: (system: TestNamespace) => Promise<unknown>,
): Promise<InstalledFarm> {
  return install(cluster, CHART, flags, prepare);
}

async function install(
  cluster: TestCluster,
  chart: string,
  flags: readonly string[],
  prepare: (system: TestNamespace) => Promise<unknown> = async () => {},
): Promise<InstalledFarm> {
  await using made = new AsyncDisposableStack();
  const system = made.use(await cluster.makeNamespace("farm"));
  const boards = made.use(await cluster.makeNamespace("boards"));
  for (const { name } of [system, boards]) {
    await cluster.kubectl(["label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted"]);
  }
  await prepare(system);
  const chosen = [
    "boards.install=false",
    "api.store.type=ephemeral",
    "redis.store.type=ephemeral",
    `watchNamespaces={${boards.name}}`,
  ];
  const [folder = ""] = programFolders(ownCacheFolder(), ["helm"]);
  const helm = async (verb: string, ...args: string[]) => {
    const env = { KUBECONFIG: cluster.kubeconfig };
    return (await execa(join(folder, "helm"), ["--namespace", system.name, verb, RELEASE, ...args], { env })).stdout;
  };
  await helm("install", chart, ...chosen.flatMap((value) => ["--set", value]), ...flags);
  made.defer(() => helm("uninstall", "--ignore-not-found").then(() => {}));
  await rolledOut(system);
  const kept = made.move();
  return { system, boards, helm, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Settles when all of the farm's own pods are as they shall be. */
export async function rolledOut(system: TestNamespace): Promise<void> {
  const names = ["statefulset/emufarm-redis", "deployment/emufarm-operator", "deployment/emufarm-api"];
  for (const name of names) await system.kubectl(["rollout", "status", name, WAIT]);
}
