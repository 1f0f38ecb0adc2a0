import type { Condition } from "../../src/core/schema/condition.ts";

/** An object as kstatus looks at it. */
export interface StatusOfObject {
  readonly metadata: { readonly generation: number; readonly deletionTimestamp?: string };
  readonly status?: {
    readonly observedGeneration?: number | undefined;
    readonly conditions?: readonly Condition[] | undefined;
  };
}

/**
 * What kstatus says of an object of a kind that it does not know, as Flux, Argo CD, kpt and Helm ask it.
 * After sigs.k8s.io/cli-utils, pkg/kstatus/status/generic.go.
 */
export function kstatus({ metadata, status }: StatusOfObject): "Current" | "InProgress" | "Failed" | "Terminating" {
  if (metadata.deletionTimestamp !== undefined) return "Terminating";
  if (status?.observedGeneration !== undefined && status.observedGeneration !== metadata.generation)
    return "InProgress";
  const statusOf = (type: string) => status?.conditions?.find((one) => one.type === type)?.status;
  if (statusOf("Reconciling") === "True") return "InProgress";
  if (statusOf("Stalled") === "True") return "Failed";
  // The generic rule of kinds with a condition Ready: only True is done.
  const ready = statusOf("Ready");
  return ready === undefined || ready === "True" ? "Current" : "InProgress";
}
