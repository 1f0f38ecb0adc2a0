import { timestampOf, withTransitions } from "../../core/policy/condition-history.ts";
import { instanceObjectStatus } from "../../core/policy/instance-object-status.ts";
import type { Problem } from "../../core/policy/instance-observation.ts";
import { planInstance } from "../../core/policy/instance-plan.ts";
import type { EmulatorInstanceStatus } from "../../core/schema/emulator-instance-status.ts";
import type { ReconcileOutcome } from "../../kube/work-queue.ts";
import type { FarmObject } from "../kubernetes/kinds.ts";
import { parseInstanceSpec, statusOfInstance } from "../kubernetes/parsed-objects.ts";
import type { AgentTrust } from "../trust/agent-trust.ts";
import { createInstanceMemory, type InstanceMemory } from "./instance-memory.ts";
import type { WriteStatus } from "./instance-status-writer.ts";
import type { TakeStep } from "./instance-steps.ts";
import { type InstanceView, type InstanceWorld, viewInstance } from "./instance-view.ts";

export interface InstanceReconcilerDependencies {
  readonly world: InstanceWorld;
  readonly takeStep: TakeStep;
  readonly writeStatus: WriteStatus;
  readonly trust: AgentTrust;
  /** The wall clock: times of Kubernetes are by it. */
  readonly clock: () => number;
}

/** Brings one instance in line: looks, plans, acts, and tells how it stands. */
export type ReconcileInstance = (key: string) => Promise<ReconcileOutcome | undefined>;

export function createInstanceReconciler(dependencies: InstanceReconcilerDependencies): ReconcileInstance {
  const { world, takeStep, writeStatus, trust, clock } = dependencies;
  /** By uid; the uid that a key had last, to forget what is gone. */
  const memories = new Map<string, { readonly uid: string; readonly memory: InstanceMemory }>();

  function memoryOf(key: string, uid: string): InstanceMemory {
    const known = memories.get(key);
    if (known?.uid === uid) return known.memory;
    if (known) world.firmware.forget(known.uid, key);
    const memory = createInstanceMemory();
    memories.set(key, { uid, memory });
    return memory;
  }

  function forget(key: string): undefined {
    const known = memories.get(key);
    if (known) world.firmware.forget(known.uid, key);
    memories.delete(key);
  }

  /** A pod whose Secret an operator before this one may not have made. */
  async function ensureIdentity({ livePod, watch }: InstanceView, { identities }: InstanceMemory): Promise<void> {
    const uid = livePod?.metadata.uid;
    if (!livePod || uid === undefined || identities.has(uid) || watch?.isConnected) return;
    await trust.issueIdentity(livePod);
    identities.add(uid);
  }

  return async (key) => {
    const object = world.caches.instances.get(key);
    if (!object) return forget(key);
    const memory = memoryOf(key, object.metadata.uid ?? "");
    const parsed = parseInstanceSpec(object);
    if ("problem" in parsed)
      return told(await writeStatus(object, ...refused(object, parsed.problem, clock()), memory));
    if (memory.foreignService && memory.foreignService.retryAtMs <= clock()) memory.foreignService = undefined;
    const view = () => viewInstance(world, key, object, parsed.value, memory);
    const first = view();
    const plan = planInstance(first.seen, clock());
    try {
      if (!first.seen.isDeleted) await ensureIdentity(first, memory);
      for (const step of plan.steps) await takeStep(step, first, memory);
    } finally {
      // Also of what went wrong.
      await tell(view(), memory);
    }
    return soonest(plan.requeueAfterMs, memory.statusDueMs, retryMs(memory, clock()));
  };

  async function tell({ object, seen, facts, before }: InstanceView, memory: InstanceMemory): Promise<void> {
    memory.statusDueMs = undefined;
    if (seen.isDeleted) return;
    const shown = memory.lastStatus === undefined ? before : (JSON.parse(memory.lastStatus) as EmulatorInstanceStatus);
    const status = instanceObjectStatus(seen, facts, shown, clock());
    memory.statusDueMs = await writeStatus(object, before, status, memory);
  }
}

/** When to try again what was refused. */
function retryMs({ refusal, foreignService }: InstanceMemory, nowMs: number): number | undefined {
  const due = [refusal?.retryAtMs, foreignService?.retryAtMs].filter((one) => one !== undefined);
  return due.length === 0 ? undefined : Math.max(0, Math.min(...due) - nowMs);
}

function soonest(...delaysMs: (number | undefined)[]): ReconcileOutcome | undefined {
  const known = delaysMs.filter((one) => one !== undefined);
  return known.length === 0 ? undefined : { requeueAfterMs: Math.min(...known) };
}

function told(waitMs: number | undefined): ReconcileOutcome | undefined {
  return soonest(waitMs);
}

/** The status of an object that this version of the farm does not understand. */
function refused(
  object: FarmObject,
  { reason, message }: Problem,
  nowMs: number,
): [EmulatorInstanceStatus | undefined, EmulatorInstanceStatus] {
  const before = statusOfInstance(object);
  const { generation = 0 } = object.metadata;
  const ready = { type: "Ready", status: "False" as const, reason, message };
  const conditions = withTransitions([ready], before?.conditions, generation, timestampOf(nowMs));
  return [before, { observedGeneration: generation, phase: "Pending", conditions }];
}
