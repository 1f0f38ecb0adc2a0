import { instanceObjectStatus } from "../../core/policy/instance-object-status.ts";
import { planInstance } from "../../core/policy/instance-plan.ts";
import type { EmulatorInstanceStatus } from "../../core/schema/emulator-instance-status.ts";
import type { ReconcileOutcome } from "../../kube/work-queue.ts";
import { ObjectMemories } from "../kubernetes/object-memories.ts";
import { parseInstanceSpec, statusOfInstance } from "../kubernetes/parsed-objects.ts";
import type { PodMaker } from "../kubernetes/pod-maker.ts";
import { refusedSpec } from "../kubernetes/refused-spec.ts";
import type { StatusWriter } from "../kubernetes/status-writer.ts";
import { soonest } from "../soonest.ts";
import { createInstanceMemory, type InstanceMemory } from "./instance-memory.ts";
import type { TakeStep } from "./instance-steps.ts";
import { type InstanceView, type InstanceWorld, viewInstance } from "./instance-view.ts";

export interface InstanceReconcilerDependencies {
  readonly world: InstanceWorld;
  readonly takeStep: TakeStep;
  readonly status: StatusWriter<EmulatorInstanceStatus>;
  readonly pods: PodMaker;
  /** The wall clock: times of Kubernetes are by it. */
  readonly clock: () => number;
}

/** Brings one instance in line: looks, plans, acts, and tells how it stands. */
export type ReconcileInstance = (key: string, signal: AbortSignal) => Promise<ReconcileOutcome | undefined>;

export function createInstanceReconciler(dependencies: InstanceReconcilerDependencies): ReconcileInstance {
  const { world, takeStep, status, pods, clock } = dependencies;
  const memories = new ObjectMemories(createInstanceMemory, (uid, key) => world.firmware.forget(uid, key));

  async function tell({ object, seen, facts, before }: InstanceView, memory: InstanceMemory): Promise<void> {
    if (seen.isDeleted) return;
    const shown = status.shown(object, before, memory.status);
    await status.write(object, before, instanceObjectStatus(seen, facts, shown, clock()), memory.status);
  }

  return async (key, signal) => {
    const object = world.caches.instances.get(key);
    if (!object) {
      memories.forget(key);
      return undefined;
    }
    const memory = memories.of(key, object.metadata.uid ?? "");
    const parsed = parseInstanceSpec(object);
    if ("problem" in parsed) {
      const before = statusOfInstance(object);
      const told = { ...refusedSpec(object, parsed.problem, before, clock()), phase: "Pending" as const };
      await status.write(object, before, told, memory.status);
      return soonest(memory.status.dueMs);
    }
    if (memory.foreignService && memory.foreignService.retryAtMs <= clock()) memory.foreignService = undefined;
    const view = () => viewInstance(world, key, object, parsed.value, memory);
    const first = view();
    const plan = planInstance(first.seen, clock());
    try {
      if (first.livePod && !first.watch?.isConnected && !first.seen.isDeleted) await pods.ensureIdentity(first.livePod);
      for (const step of plan.steps) {
        signal.throwIfAborted();
        await takeStep(step, first, memory, signal);
      }
    } finally {
      // Also of what went wrong.
      if (!signal.aborted) await tell(view(), memory);
    }
    signal.throwIfAborted();
    const confirmMs = await pods.confirm(first.uid);
    return soonest(plan.requeueAfterMs, memory.status.dueMs, confirmMs, retryMs(memory, first, clock()));
  };
}

/** When to try again what was refused. A refusal that was there before this look is the plan's, which may not need the pod. */
function retryMs({ tries, foreignService }: InstanceMemory, { seen }: InstanceView, nowMs: number): number | undefined {
  const isNew = tries.refusal !== seen.refusal;
  const due = [isNew ? tries.refusal?.retryAtMs : undefined, foreignService?.retryAtMs].filter(
    (one) => one !== undefined,
  );
  return due.length === 0 ? undefined : Math.max(0, Math.min(...due) - nowMs);
}
