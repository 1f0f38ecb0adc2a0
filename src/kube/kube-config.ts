import { existsSync } from "node:fs";
import { KubeConfig } from "@kubernetes/client-node";
import { KubeError } from "./kube-error.ts";

/** Where the API server is, and who asks. */
export type KubeSource =
  /** A kubeconfig file, and which of its contexts; default: its current one. */
  | { readonly kubeconfigFile: string; readonly context?: string }
  /** Several files as one, as kubectl merges them: of two entries of a name the first counts; absent files do not. */
  | { readonly kubeconfigFiles: readonly string[]; readonly context?: string }
  /** A kubeconfig as text. */
  | { readonly kubeconfig: string; readonly context?: string }
  /** The service account of the pod this runs in. */
  | { readonly inCluster: true };

/**
 * What the source says, read by client-node, which knows tokens, certificates, exec plug-ins, OIDC and proxies.
 * @throws {KubeError} `NoKubeconfig`, `NoContext`
 */
export function loadKubeConfig(source: KubeSource): KubeConfig {
  const config = new KubeConfig();
  if ("inCluster" in source) config.loadFromCluster();
  else if ("kubeconfigFile" in source) config.loadFromFile(source.kubeconfigFile);
  else if ("kubeconfigFiles" in source) mergeFiles(config, source.kubeconfigFiles);
  else config.loadFromString(source.kubeconfig);
  if ("context" in source && source.context !== undefined) chooseContext(config, source.context);
  return config;
}

/** @throws {KubeError} `NoKubeconfig` where a file cannot be read, or none is there */
function mergeFiles(config: KubeConfig, files: readonly string[]): void {
  const parts = files.filter((file) => existsSync(file)).map(readKubeconfig);
  if (parts.length === 0) {
    const message = `there is no kubeconfig ${files.join(", ")}`;
    throw new KubeError({ status: 0, reason: "NoKubeconfig", message });
  }
  config.loadFromOptions({
    clusters: firstOfEachName(parts.flatMap((part) => part.getClusters())),
    users: firstOfEachName(parts.flatMap((part) => part.getUsers())),
    contexts: firstOfEachName(parts.flatMap((part) => part.getContexts())),
    currentContext: parts.map((part) => part.getCurrentContext()).find((name) => name) ?? "",
  });
}

function readKubeconfig(file: string): KubeConfig {
  const config = new KubeConfig();
  try {
    config.loadFromFile(file);
  } catch (cause) {
    const message = `${file} is no kubeconfig that can be read: ${cause instanceof Error ? cause.message : cause}`;
    throw new KubeError({ status: 0, reason: "NoKubeconfig", message, cause });
  }
  return config;
}

function firstOfEachName<Entry extends { readonly name: string }>(entries: readonly Entry[]): Entry[] {
  return [...new Map(entries.toReversed().map((entry) => [entry.name, entry])).values()];
}

function chooseContext(config: KubeConfig, name: string): void {
  const names = config.getContexts().map((context) => context.name);
  if (!names.includes(name)) {
    const message = `the kubeconfig has no context "${name}"; it has ${names.join(", ") || "none"}`;
    throw new KubeError({ status: 0, reason: "NoContext", message });
  }
  config.setCurrentContext(name);
}
