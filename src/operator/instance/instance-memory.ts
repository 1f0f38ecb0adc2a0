import type { Problem } from "../../core/policy/instance-observation.ts";
import type { Service } from "../kubernetes/kinds.ts";
import { noTries, type PodTries } from "../kubernetes/pod-maker.ts";
import type { StatusMemory } from "../kubernetes/status-writer.ts";

/** What the operator remembers of an instance between two looks: nothing that a new one could not find out again. */
export interface InstanceMemory {
  readonly tries: PodTries;
  readonly status: StatusMemory;
  refusedByAgent?: Problem | undefined;
  /** Somebody else's Service of the instance's name, which the cache of our own does not show. */
  foreignService?: { readonly object: Service; readonly retryAtMs: number } | undefined;
}

export function createInstanceMemory(): InstanceMemory {
  return { tries: noTries(), status: {} };
}
