import { contentDigest } from "../../client/content-digest.ts";
import type { ObservedPoolPod, PoolObservation } from "../../core/policy/pool-plan.ts";
import type { BoardSpec } from "../../core/schema/board.ts";
import type { EmulatorPoolSpec } from "../../core/schema/emulator-pool.ts";
import { isControlledBy } from "../../kube/kube-object.ts";
import type { AgentWatch } from "../agent/agent-watch.ts";
import type { AgentWatches } from "../agent/agent-watches.ts";
import { findBoard } from "../board/board-lookup.ts";
import { type AgentImage, type AgentResources, resourcesOf } from "../kubernetes/agent-pod.ts";
import { BY_POOL, type FarmCaches, type MadeObjects } from "../kubernetes/farm-caches.ts";
import type { FarmObject, Pod } from "../kubernetes/kinds.ts";
import { CORDONED_ANNOTATION, POOL_UID_LABEL } from "../kubernetes/labels.ts";
import { observePod } from "../kubernetes/pod-observation.ts";
import { observeScaling } from "./pool-scaling.ts";
import type { PoolMemory } from "./pool-steps.ts";
import type { QueueWatch } from "./queue-watch.ts";

/** Where the operator looks. */
export interface PoolWorld {
  readonly caches: FarmCaches;
  readonly madePods: MadeObjects<Pod>;
  readonly agents: AgentWatches;
  readonly agent: AgentImage;
  readonly queue: Pick<QueueWatch, "waiting">;
  readonly clock: () => number;
  /** Looks at the pool again, soon: agents tell of each job. */
  readonly wake: (key: string) => void;
}

/** A pool with all that is known of it. */
export interface PoolView {
  readonly object: FarmObject;
  readonly spec: EmulatorPoolSpec;
  readonly seen: PoolObservation;
  readonly templateKey: string;
  readonly resources: AgentResources;
  readonly pods: ReadonlyMap<string, { readonly pod: Pod; readonly watch: AgentWatch | undefined }>;
  readonly slots: number;
  readonly free: number;
}

/** What a slot gets where the pool does not say which boards it runs. */
const ANY_BOARD_MEMORY_MIB = 384;
const ANY_BOARD_CPU_MILLIS = 100;

export function viewPool(
  world: PoolWorld,
  key: string,
  object: FarmObject,
  spec: EmulatorPoolSpec,
  { tries, scaling, hasForeignBudget }: PoolMemory,
): PoolView {
  const { caches, madePods, agents, agent, queue } = world;
  const { uid = "", namespace = "" } = object.metadata;
  const shown = caches.pods.byIndex(BY_POOL, uid);
  const found = madePods.with(shown, ({ metadata }) => metadata.labels?.[POOL_UID_LABEL] === uid);
  const pods = new Map(
    found.map((pod) => [pod.metadata.uid ?? "", { pod, watch: agents.open(pod, () => world.wake(key)) }] as const),
  );
  const boards = spec.boards.flatMap((name) => {
    const board = findBoard(caches, namespace, name);
    return "board" in board ? [board.board.spec] : [];
  });
  const resources = poolResources(boards, spec.slotsPerPod);
  // Of boards only what they need: each job brings its board with it.
  const templateKey = contentDigest([spec.podTemplate, spec.slotsPerPod, resources, agent.image]);
  const observed = [...pods.values()].map(({ pod, watch }) => observePoolPod(pod, watch));
  const busySlots = observed
    .filter(({ cordonedMs }) => cordonedMs === undefined)
    .reduce((sum, pod) => sum + pod.busySlots, 0);
  const budget = caches.budgets.get(key);
  const demand = queue.waiting === undefined ? undefined : { waiting: queue.waiting, busySlots };
  const serving = [...pods.values()].flatMap(({ watch }) => (watch?.isConnected && watch.slots ? [watch.slots] : []));
  return {
    object,
    spec,
    templateKey,
    resources,
    pods,
    seen: {
      isDeleted: object.metadata.deletionTimestamp !== undefined,
      spec,
      templateKey,
      pods: observed,
      scaling: observeScaling(object, spec, demand, scaling, world.clock()),
      hasBudget: hasForeignBudget === true || (budget !== undefined && isControlledBy(budget, uid)),
      refusal: tries.refusal,
    },
    slots: serving.reduce((sum, { slots }) => sum + slots, 0),
    free: serving.reduce((sum, { freeSlots }) => sum + freeSlots, 0),
  };
}

function observePoolPod(pod: Pod, watch: AgentWatch | undefined): ObservedPoolPod {
  const at = pod.metadata.annotations?.[CORDONED_ANNOTATION];
  const { slots = 0, freeSlots = 0 } = watch?.slots ?? {};
  return {
    ...observePod(pod),
    isConnected: watch?.isConnected ?? false,
    busySlots: slots - freeSlots,
    ...(at !== undefined && { cordonedMs: Date.parse(at) }),
  };
}

/** Each slot may get the board with the most memory, and the one with the most CPUs. */
function poolResources(boards: readonly BoardSpec[], slots: number): AgentResources {
  if (boards.length === 0) {
    return { cpuMillis: ANY_BOARD_CPU_MILLIS * slots, memoryMiB: ANY_BOARD_MEMORY_MIB * slots };
  }
  const needs = boards.map((board) => resourcesOf(board, slots));
  return {
    cpuMillis: Math.max(...needs.map(({ cpuMillis }) => cpuMillis)),
    memoryMiB: Math.max(...needs.map(({ memoryMiB }) => memoryMiB)),
  };
}
