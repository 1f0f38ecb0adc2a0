import type { Problem } from "../../core/policy/instance-observation.ts";
import type { Service } from "../kubernetes/kinds.ts";

/** What the operator remembers of an instance between two looks: nothing that a new one could not find out again. */
export interface InstanceMemory {
  refusal?: { readonly problem: Problem; readonly retryAtMs: number } | undefined;
  refusals: number;
  refusedByAgent?: Problem | undefined;
  /** Somebody else's Service of the instance's name, which the cache of our own does not show. */
  foreignService?: { readonly object: Service; readonly retryAtMs: number } | undefined;
  /** Pods whose Secret was made. */
  readonly identities: Set<string>;
  /** Moments at which the status was written, for the generation that is told now: who writes a spec waits for it. */
  statusWrites: number[];
  statusGeneration?: number | undefined;
  /** How long a status that has changed waits for its write. */
  statusDueMs?: number | undefined;
  /** Status as it was written last. */
  lastStatus?: string | undefined;
}

export function createInstanceMemory(): InstanceMemory {
  return { refusals: 0, identities: new Set(), statusWrites: [] };
}
