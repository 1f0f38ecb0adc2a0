import { planPool } from "../../core/policy/pool-plan.ts";
import { poolStatusOf } from "../../core/policy/pool-status.ts";
import type { EmulatorPoolStatus } from "../../core/schema/emulator-pool.ts";
import type { ReconcileOutcome } from "../../kube/work-queue.ts";
import { POOL_LABEL } from "../kubernetes/labels.ts";
import { ObjectMemories } from "../kubernetes/object-memories.ts";
import { parsePoolSpec, statusOfPool } from "../kubernetes/parsed-objects.ts";
import { noTries, type PodMaker } from "../kubernetes/pod-maker.ts";
import { refusedSpec } from "../kubernetes/refused-spec.ts";
import type { StatusMemory, StatusWriter } from "../kubernetes/status-writer.ts";
import { soonest } from "../soonest.ts";
import type { PoolMemory, TakePoolStep } from "./pool-steps.ts";
import { type PoolView, type PoolWorld, viewPool } from "./pool-view.ts";

export interface PoolReconcilerDependencies {
  readonly world: PoolWorld;
  readonly takeStep: TakePoolStep;
  readonly status: StatusWriter<EmulatorPoolStatus>;
  readonly pods: PodMaker;
  /** The wall clock: times of Kubernetes are by it. */
  readonly clock: () => number;
}

/** How old the count of free slots may be: it changes with each job, and is for people. */
const COUNT_AGE_MS = 30_000;

interface Memory extends PoolMemory {
  readonly status: StatusMemory;
  /** Slots as they were told last, and when. */
  told?: { readonly slots: number; readonly free: number; readonly atMs: number } | undefined;
}

/** Brings one pool in line. */
export function createPoolReconciler(
  dependencies: PoolReconcilerDependencies,
): (key: string, signal: AbortSignal) => Promise<ReconcileOutcome | undefined> {
  const { world, takeStep, status, pods, clock } = dependencies;
  const memories = new ObjectMemories(
    (): Memory => ({ tries: noTries(), scaling: { asked: [] }, cordons: new Map(), status: {} }),
  );

  /** Counts that tick are told now and then. */
  function countsOf({ slots, free }: PoolView, memory: Memory): { slots: number; free: number } {
    const nowMs = clock();
    const { told } = memory;
    if (told && told.slots === slots && nowMs - told.atMs < COUNT_AGE_MS) return told;
    memory.told = { slots, free, atMs: nowMs };
    return memory.told;
  }

  async function tell(view: PoolView, memory: Memory): Promise<void> {
    const { object, seen } = view;
    if (seen.isDeleted) return;
    const before = statusOfPool(object);
    const { generation = 0, name = "" } = object.metadata;
    const { slots, free } = countsOf(view, memory);
    const facts = { generation, selector: `${POOL_LABEL}=${name}`, slots, free };
    const shown = status.shown(object, before, memory.status);
    await status.write(object, before, poolStatusOf(seen, facts, shown, clock()), memory.status);
  }

  return async (key, signal) => {
    const object = world.caches.pools.get(key);
    if (!object) {
      memories.forget(key);
      return undefined;
    }
    const memory = memories.of(key, object.metadata.uid ?? "");
    const parsed = parsePoolSpec(object);
    if ("problem" in parsed) {
      const before = statusOfPool(object);
      await status.write(object, before, refusedSpec(object, parsed.problem, before, clock()), memory.status);
      return soonest(memory.status.dueMs);
    }
    const view = () => viewPool(world, key, object, parsed.value, memory);
    const first = view();
    const plan = planPool(first.seen, clock());
    try {
      for (const { pod, watch } of first.pods.values()) if (!watch?.isConnected) await pods.ensureIdentity(pod);
      for (const step of plan.steps) {
        signal.throwIfAborted();
        await takeStep(step, first, memory, signal);
      }
    } finally {
      // Also of what went wrong.
      if (!signal.aborted) await tell(view(), memory);
    }
    signal.throwIfAborted();
    const isBusy = memory.told !== undefined && memory.told.free !== first.free;
    const confirmMs = await pods.confirm(object.metadata.uid ?? "");
    return soonest(plan.requeueAfterMs, memory.status.dueMs, confirmMs, isBusy ? COUNT_AGE_MS : undefined);
  };
}
