import { FarmError } from "../../core/error/farm-error.ts";
import type { ImageSource } from "../../core/schema/firmware-source.ts";
import type { ImportCredentials, ImportRequestInput } from "../../core/wire/import.ts";
import type { KubeClient } from "../../kube/kube-client.ts";
import { isForbidden } from "../../kube/kube-error.ts";
import type { KubeObject, Resource } from "../../kube/kube-object.ts";
import { CONFIG_MAPS, type ConfigMap, SECRETS } from "../kubernetes/kinds.ts";
import type { ConfigMapVersions } from "./config-map-versions.ts";
import { credentialsIn } from "./firmware-secret.ts";
import { SourceProblem } from "./source-problem.ts";

/** Sources of firmware as manifests name them, in a namespace. */
export interface FirmwareSources extends AsyncDisposable {
  /** The user (an instance's key) needs these sources and no others, and is told when one has another version. */
  use(user: string, namespace: string, sources: readonly ImageSource[]): void;
  /** What tells one version of a source from another, beside its own words; undefined while that is not known. */
  versionOf(namespace: string, source: ImageSource): string | undefined;
  /** The source as the importer takes it. @throws {SourceProblem}, and FarmError where the API server does not answer */
  read(namespace: string, source: ImageSource, signal: AbortSignal): Promise<ImportRequestInput>;
}

export interface FirmwareSourcesDependencies {
  readonly client: Pick<KubeClient, "get">;
  readonly configMaps: ConfigMapVersions;
}

export function createFirmwareSources({ client, configMaps }: FirmwareSourcesDependencies): FirmwareSources {
  async function get<Kind extends KubeObject>(
    resource: Resource<Kind>,
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<Kind> {
    const { kind } = resource;
    try {
      const object = await client.get(resource, name, namespace, { signal });
      if (object) return object;
    } catch (error) {
      if (signal.aborted) throw error;
      if (isForbidden(error)) throw forbidden(kind, name);
      const detail = error instanceof Error ? error.message : String(error);
      throw new FarmError("FirmwareSourceFailed", { source: `${kind} ${name}`, detail }, { cause: error });
    }
    throw new SourceProblem(`${kind}NotFound`, `There is no ${kind} ${name} in the namespace.`);
  }

  async function credentials(namespace: string, source: ImageSource, signal: AbortSignal): Promise<ImportCredentials> {
    return credentialsIn(await get(SECRETS, namespace, source.secretName ?? "", signal), source);
  }

  return {
    use(user, namespace, sources) {
      const names = sources.flatMap(({ configMap }) => (configMap ? [`${namespace}/${configMap.name}`] : []));
      configMaps.use(user, [...new Set(names)]);
    },
    versionOf(namespace, { configMap }) {
      if (!configMap) return "";
      const seen = configMaps.see(`${namespace}/${configMap.name}`);
      if (seen === "unknown") return undefined;
      return seen === "missing" ? seen : seen.version;
    },
    async read(namespace, source, signal) {
      const { configMap, url, artifact, inline, image, sha256, secretName } = source;
      if (configMap) {
        const found = await get(CONFIG_MAPS, namespace, configMap.name, signal);
        return definedOf({ inline: bytesIn(found, configMap), sha256 });
      }
      const shown = secretName === undefined ? undefined : await credentials(namespace, source, signal);
      return definedOf({ url, artifact, inline, image, sha256, credentials: shown });
    },
    [Symbol.asyncDispose]: () => configMaps[Symbol.asyncDispose](),
  };
}

/** In base64. */
function bytesIn({ binaryData, data }: ConfigMap, { name, key }: { name: string; key: string }): string {
  const text = data?.[key];
  const base64 = binaryData?.[key] ?? (text === undefined ? undefined : Buffer.from(text).toString("base64"));
  if (base64 !== undefined) return base64;
  const keys = [...Object.keys(binaryData ?? {}), ...Object.keys(data ?? {})].join(", ") || "none";
  throw new SourceProblem("ConfigMapKeyNotFound", `ConfigMap ${name} has no key ${key}; it has ${keys}.`);
}

function forbidden(kind: string, name: string): SourceProblem {
  const grant = "a Role in the namespace that lets its service account get it, or the chart's operator.readSecrets";
  const how = kind === "Secret" ? `: ${grant}, would allow that` : "";
  return new SourceProblem(`${kind}Forbidden`, `The operator may not read ${kind} ${name}${how}.`);
}

function definedOf(fields: ImportRequestInput): ImportRequestInput {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
