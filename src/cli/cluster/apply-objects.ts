import { readdir, readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { FarmError } from "../../core/error/farm-error.ts";
import { CUSTOM_RESOURCES } from "../../core/kubernetes/custom-resources.ts";
import { board } from "../../core/schema/board.ts";
import { emulatorInstance } from "../../core/schema/emulator-instance.ts";
import { emulatorPool } from "../../core/schema/emulator-pool.ts";
import { API_VERSION } from "../../core/schema/metadata.ts";
import { type Manifest, parseManifests } from "../../document/parse-manifests.ts";
import { KubeError } from "../../kube/kube-error.ts";
import type { KubeObject, Resource } from "../../kube/kube-object.ts";
import { areInstancesOnCluster } from "../channel/where-instances.ts";
import { EXIT } from "../exit-code.ts";
import type { FarmOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";
import { kindNotInstalled } from "./cluster-problem.ts";
import { type Cluster, openCluster } from "./open-cluster.ts";

export interface ApplyOptions extends FarmOptions {
  readonly filename: readonly string[];
  readonly forceConflicts?: true;
  readonly json?: true;
}

const FIELD_MANAGER = "emufarm";
const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  EmulatorInstance: emulatorInstance,
  EmulatorPool: emulatorPool,
  Board: board,
  ClusterBoard: board,
};
const KINDS = CUSTOM_RESOURCES.map(({ kind }) => kind);

/** What every object has; all else of a foreign kind is for the cluster to judge. */
const anyObject = z.looseObject({
  apiVersion: z.string().min(1),
  kind: z.string().min(1),
  metadata: z.looseObject({ name: z.string().min(1), namespace: z.string().optional() }),
});
const farmObject = z.looseObject({ apiVersion: z.literal(API_VERSION), kind: z.enum(KINDS as [string, ...string[]]) });

/**
 * `emufarm apply -f FILE`: checks each object, with file and line, then sends all: to a cluster by server-side apply, or to
 * the farm on this machine.
 */
export async function applyObjects(surroundings: Surroundings, options: ApplyOptions): Promise<number> {
  const manifests = (await Promise.all(options.filename.map((file) => readManifests(surroundings, file)))).flat();
  if (manifests.length === 0) {
    throw new FarmError("InvalidRequest", { problems: `${options.filename.join(", ")} holds no object` });
  }
  if (!(await areInstancesOnCluster(surroundings, options))) {
    return await (await import("../instance/apply-on-farm.ts")).applyOnFarm(surroundings, manifests, options);
  }
  await using cluster = await openCluster(surroundings, options);
  const resources = new Map<string, Promise<Resource>>();
  for (const manifest of manifests) {
    const object = manifest.value as KubeObject;
    const key = `${object.apiVersion} ${object.kind}`;
    const resource = resources.get(key) ?? findResource(cluster, object);
    resources.set(key, resource);
    const applied = await applyOne(cluster, await resource, manifest, options);
    surroundings.stdout.write(
      options.json ? `${JSON.stringify(applied)}\n` : `${nameOf(applied)} serverside-applied\n`,
    );
  }
  return EXIT.passed;
}

async function applyOne(
  cluster: Cluster,
  resource: Resource,
  manifest: Manifest,
  { namespace: chosen, forceConflicts }: ApplyOptions,
): Promise<KubeObject> {
  const object = manifest.value as KubeObject;
  const { kind, metadata } = object;
  const own = metadata.namespace;
  if (resource.isNamespaced && own !== undefined && chosen !== undefined && own !== chosen) {
    const message = `found ${JSON.stringify(own)}, but --namespace says ${JSON.stringify(chosen)}`;
    throw manifest.problem([{ path: ["metadata", "namespace"], message }]);
  }
  const namespace = own ?? cluster.namespace;
  const placed = resource.isNamespaced ? { ...object, metadata: { ...metadata, namespace } } : object;
  const where = resource.isNamespaced ? ` in namespace ${namespace}` : "";
  return await cluster.ask(`${kind} ${metadata.name}${where}`, async ({ client }) => {
    const apply = (force: boolean) => client.apply(resource, placed, { fieldManager: FIELD_MANAGER, force });
    try {
      return await apply(forceConflicts === true).catch((error: unknown) => {
        // What `power` or `flash` has switched is the file's again.
        if (!isConflictWithUs(error)) throw error;
        return apply(true);
      });
    } catch (error) {
      throw refusalOf(error, manifest, `${kind} ${metadata.name}`);
    }
  });
}

/** Fields that nobody but other commands of emufarm has set. */
function isConflictWithUs(error: unknown): boolean {
  if (!(error instanceof KubeError) || error.status !== 409 || error.causes.length === 0) return false;
  return error.causes.every(({ message = "" }) => message.startsWith(`conflict with "${FIELD_MANAGER}" `));
}

/** What the API server says of a field, with its place in the file. */
function refusalOf(error: unknown, manifest: Manifest, what: string): unknown {
  if (!(error instanceof KubeError)) return error;
  if (error.status === 409 && error.causes.length > 0) {
    const fields = error.causes.map(({ field, message }) => `${field} (${message})`).join(", ");
    const problem = `others have set ${fields}; --force-conflicts takes these fields over`;
    return new FarmError("Conflict", { what, problem }, { cause: error });
  }
  const placed = error.causes.filter(({ field }) => field !== undefined && field !== "" && field !== "<nil>");
  if (error.status !== 422 || placed.length === 0) return error;
  const found = placed.map(({ field = "", message = "" }) => ({ path: pathOf(field), message: refusalText(message) }));
  return new FarmError("InvalidDocument", manifest.problem(found).details as { problems: string }, { cause: error });
}

function refusalText(message: string): string {
  return message.replace(/^Invalid value: (?:"(?:object|string|integer|boolean|array)": )?/, "");
}

/** `spec.channels[0].name` as a path. */
function pathOf(field: string): (string | number)[] {
  return [...field.matchAll(/([^.[\]]+)|\[(\d+)\]/g)].map(([, key, index]) =>
    index === undefined ? (key ?? "") : Number(index),
  );
}

async function findResource(cluster: Cluster, { apiVersion, kind }: KubeObject): Promise<Resource> {
  const known = CUSTOM_RESOURCES.find((one) => one.kind === kind && one.apiVersion === apiVersion);
  const found = await cluster.ask(`${kind}s`, (kube) => kube.findResource(apiVersion, kind));
  if (found) return known ?? found;
  throw kindNotInstalled(cluster.kube.server, `${kind} (${apiVersion})`);
}

/** The objects of a file, of all YAML and JSON files of a folder, or of standard input. */
async function readManifests({ stdin, cwd }: Surroundings, file: string): Promise<Manifest[]> {
  if (file === "-") return parseManifests(await text(stdin), schemaOf, { file: "standard input" });
  const path = resolve(cwd, file);
  try {
    if (!(await stat(path)).isDirectory()) return parseManifests(await readFile(path, "utf8"), schemaOf, { file });
    const names = (await readdir(path)).filter((name) => /\.(ya?ml|json)$/.test(name)).toSorted();
    const read = async (name: string) => ({ name, content: await readFile(join(path, name), "utf8") });
    const contents = await Promise.all(names.map(read));
    return contents.flatMap(({ name, content }) => parseManifests(content, schemaOf, { file: join(file, name) }));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === undefined || cause instanceof FarmError) throw cause;
    if (code === "ENOENT") throw new FarmError("NotFound", { kind: "file", name: file }, { cause });
    throw new FarmError("InvalidRequest", { problems: `${file} cannot be read (${code})` }, { cause });
  }
}

function schemaOf(value: unknown): z.ZodType {
  const { success, data } = anyObject.partial().safeParse(value);
  if (!success || !data.apiVersion?.startsWith("emufarm.dev/")) return anyObject;
  return (data.apiVersion === API_VERSION && SCHEMAS[data.kind ?? ""]) || farmObject;
}

function nameOf({ apiVersion, kind, metadata }: KubeObject): string {
  const [group, version] = apiVersion.split("/");
  return `${kind.toLowerCase()}${version === undefined ? "" : `.${group}`}/${metadata.name}`;
}
