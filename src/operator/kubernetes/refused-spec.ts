import { timestampOf, withTransitions } from "../../core/policy/condition-history.ts";
import type { Problem } from "../../core/policy/instance-observation.ts";
import type { Condition } from "../../core/schema/condition.ts";
import type { FarmObject } from "./kinds.ts";

/** What is told of an object whose spec this version of the farm does not understand. */
export function refusedSpec(
  { metadata: { generation = 0 } }: FarmObject,
  { reason, message }: Problem,
  before: { readonly conditions?: readonly Condition[] | undefined } | undefined,
  nowMs: number,
): { observedGeneration: number; conditions: Condition[] } {
  const ready = { type: "Ready", status: "False" as const, reason, message };
  return {
    observedGeneration: generation,
    conditions: withTransitions([ready], before?.conditions, generation, timestampOf(nowMs)),
  };
}
