import { FarmError } from "../../core/error/farm-error.ts";
import type { CustomResource } from "../../core/kubernetes/custom-resources.ts";
import type { ObjectTable } from "../../kube/object-table.ts";
import type { ClusterOptions } from "../farm-options.ts";
import type { ObjectsAsked } from "./object-kind.ts";
import type { Cluster } from "./open-cluster.ts";

export const OUTPUT_FORMATS = ["json", "yaml", "wide", "name"] as const;

export interface GetOptions extends ClusterOptions {
  readonly json?: true;
  readonly output?: (typeof OUTPUT_FORMATS)[number];
  readonly allNamespaces?: true;
  readonly selector?: string;
  readonly watch?: true;
}

/** One question to the API server: all objects of a kind, or one of them. */
export interface Question {
  readonly kind: CustomResource;
  readonly name?: string;
  /** Undefined asks in all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
}

/** The answer, in columns. */
export async function tableOf(cluster: Cluster, { kind, ...selection }: Question): Promise<ObjectTable> {
  const what = `${kind.kind}${selection.name === undefined ? "s" : ` ${selection.name}`}`;
  return await cluster.ask(what, (kube) => kube.table(kind, selection));
}

/** @throws {FarmError} InvalidRequest for options that exclude each other */
export function questionsOf({ kinds, names }: ObjectsAsked, cluster: Cluster, options: GetOptions): Question[] {
  const { allNamespaces, selector } = options;
  if (names.length > 0 && (allNamespaces || selector !== undefined)) {
    const problems = "names and --all-namespaces or --selector exclude each other";
    throw new FarmError("InvalidRequest", { problems });
  }
  const placeOf = ({ isNamespaced }: CustomResource) =>
    isNamespaced && !allNamespaces ? { namespace: cluster.namespace } : {};
  if (names.length > 0) return names.map(({ kind, name }) => ({ kind, name, ...placeOf(kind) }));
  return kinds.map((kind) => ({
    kind,
    ...placeOf(kind),
    ...(selector !== undefined && { labelSelector: selector }),
  }));
}
