import type { Problem } from "../../core/policy/instance-observation.ts";
import type { ImageSource } from "../../core/schema/firmware-source.ts";
import type { ImportRequestInput } from "../../core/wire/import.ts";
import type { ConfigMapWatches, SeenConfigMap } from "./config-map-watches.ts";

/** A source as the importer takes it, with what tells one version of it from another. */
export type SourceText =
  | "unknown"
  | { readonly problem: Problem }
  | { readonly request: ImportRequestInput; readonly version: string };

/** Why a source cannot be read. */
export class SourceProblem extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** What the source is now. The user is told when a ConfigMap changes. */
export function readSource(
  configMaps: ConfigMapWatches,
  { namespace, key }: { readonly namespace: string; readonly key: string },
  source: ImageSource,
): SourceText {
  const { configMap, url, artifact, inline, sha256, image, secretName } = source;
  if (secretName !== undefined) return { problem: unsupported("Credentials for firmware (secretName)") };
  if (image !== undefined) return { problem: unsupported("Firmware from OCI images") };
  if (!configMap) return { request: definedOf({ url, artifact, inline, sha256 }), version: "" };
  const seen = configMaps.read(namespace, configMap.name, key);
  if (seen.state === "unknown") return "unknown";
  const found = bytesIn(seen, configMap);
  if ("problem" in found) return found;
  return { request: definedOf({ inline: found.base64, sha256 }), version: found.version };
}

function bytesIn(
  seen: Exclude<SeenConfigMap, { state: "unknown" }>,
  { name, key }: { name: string; key: string },
): { readonly problem: Problem } | { readonly base64: string; readonly version: string } {
  if (seen.state === "missing") {
    return { problem: { reason: "ConfigMapNotFound", message: `There is no ConfigMap ${name} in the namespace.` } };
  }
  const { binaryData, data, metadata } = seen.object;
  const text = data?.[key];
  const base64 = binaryData?.[key] ?? (text === undefined ? undefined : Buffer.from(text).toString("base64"));
  if (base64 !== undefined) return { base64, version: `${metadata.uid ?? ""}/${metadata.resourceVersion ?? ""}` };
  const keys = [...Object.keys(binaryData ?? {}), ...Object.keys(data ?? {})].join(", ") || "none";
  return {
    problem: { reason: "ConfigMapKeyNotFound", message: `ConfigMap ${name} has no key ${key}; it has ${keys}.` },
  };
}

function unsupported(what: string): Problem {
  return {
    reason: "SourceNotSupported",
    message: `${what} cannot be used yet; name a url, an artifact or a configMap.`,
  };
}

function definedOf(fields: Record<string, string | undefined>): ImportRequestInput {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
