import type { PoolScaling } from "../../core/policy/pool-plan.ts";
import { type AskedReplicas, decide, type QueueDemand, remember, replicasFor } from "../../core/policy/pool-scale.ts";
import type { EmulatorPoolSpec } from "../../core/schema/emulator-pool.ts";
import type { KubeClient } from "../../kube/kube-client.ts";
import type { ManagedFields } from "../../kube/kube-object.ts";
import { type FarmObject, POOLS } from "../kubernetes/kinds.ts";

/** What is remembered of a pool's scaling between two looks. */
export interface ScalingMemory {
  asked: readonly AskedReplicas[];
  /** Who has written the scale sub-resource, as of this generation, and when to look again. */
  elsewhere?: { readonly manager: string; readonly generation: number; readonly untilMs: number } | undefined;
}

const FIELD_MANAGER = "emufarm-operator-scale";
/** Who owns a field may change without a change of the object's generation. */
const LOOK_AGAIN_MS = 60_000;

/** @param demand undefined while the queue has not been heard */
export function observeScaling(
  { metadata: { generation = 0 } }: FarmObject,
  spec: EmulatorPoolSpec,
  demand: QueueDemand | undefined,
  memory: ScalingMemory,
  nowMs: number,
): PoolScaling {
  const { elsewhere } = memory;
  if (spec.maxReplicas === undefined) return { state: "bySpec" };
  if (elsewhere && elsewhere.generation === generation && elsewhere.untilMs > nowMs) {
    return { state: "elsewhere", manager: elsewhere.manager };
  }
  if (!demand) return { state: "unknown" };
  // What there is was asked for by somebody, perhaps a moment ago.
  const before = memory.asked.length > 0 ? memory.asked : [{ replicas: spec.replicas, untilMs: nowMs }];
  memory.asked = remember(before, replicasFor(spec, demand), spec, nowMs);
  return { state: "byQueue", ...decide(memory.asked, spec) };
}

/** Sets the replicas, unless somebody else has by the scale sub-resource. */
export async function scalePool(
  client: KubeClient,
  { metadata }: FarmObject,
  replicas: number,
  memory: ScalingMemory,
  nowMs: number,
): Promise<void> {
  const { name = "", namespace, uid } = metadata;
  // Caches leave out who owns which field.
  const present = await client.get(POOLS, name, namespace);
  if (!present || present.metadata.uid !== uid) return;
  const { managedFields = [], generation = 0, resourceVersion } = present.metadata;
  const other = managedFields.find(isScaledElsewhere);
  memory.elsewhere = other && { manager: other.manager ?? "", generation, untilMs: nowMs + LOOK_AGAIN_MS };
  if (other) return;
  const scale = { metadata: { resourceVersion }, spec: { replicas } };
  await client.patch(POOLS, name, namespace, scale, { fieldManager: FIELD_MANAGER, subresource: "scale" });
}

function isScaledElsewhere({ manager, subresource, fieldsV1 }: ManagedFields): boolean {
  if (subresource !== "scale" || manager === FIELD_MANAGER) return false;
  const { "f:spec": spec } = (fieldsV1 ?? {}) as { "f:spec"?: Readonly<Record<string, unknown>> };
  return spec !== undefined && "f:replicas" in spec;
}
