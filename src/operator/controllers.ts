import { instanceEventOf, isNews, type StatusEvent } from "../core/policy/instance-event.ts";
import { readyEventOf } from "../core/policy/ready-event.ts";
import type { BoardObjectStatus } from "../core/schema/board-object-status.ts";
import type { EmulatorInstanceStatus } from "../core/schema/emulator-instance-status.ts";
import type { EmulatorPoolStatus } from "../core/schema/emulator-pool.ts";
import type { KubeClient } from "../kube/kube-client.ts";
import type { KubeMetrics } from "../kube/kube-metrics.ts";
import { unlessAborted } from "../kube/unless-aborted.ts";
import { createWorkQueue, type WorkQueue } from "../kube/work-queue.ts";
import type { Log } from "../log/log.ts";
import type { AgentWatches } from "./agent/agent-watches.ts";
import { createBoardReconciler } from "./board/board-reconciler.ts";
import type { OperatorConfig } from "./config.ts";
import { createFarmChanges } from "./farm-changes.ts";
import { createConfigMapVersions } from "./firmware/config-map-versions.ts";
import { createFirmwareResolver, type ImportFirmware } from "./firmware/firmware-resolver.ts";
import { createFirmwareSources } from "./firmware/firmware-sources.ts";
import { createInstanceReconciler } from "./instance/instance-reconciler.ts";
import { createInstanceSteps } from "./instance/instance-steps.ts";
import { type FarmCaches, MadeObjects, openFarmCaches } from "./kubernetes/farm-caches.ts";
import { BOARDS, CLUSTER_BOARDS, type FarmObject, INSTANCES, POOLS, type Pod } from "./kubernetes/kinds.ts";
import { createPodMaker } from "./kubernetes/pod-maker.ts";
import { createStatusWriter } from "./kubernetes/status-writer.ts";
import { createPoolReconciler } from "./pool/pool-reconciler.ts";
import { createPoolSteps } from "./pool/pool-steps.ts";
import type { QueueWatch } from "./pool/queue-watch.ts";
import type { TellEvent } from "./tell-event.ts";
import type { AgentTrust } from "./trust/agent-trust.ts";

export interface ControllersOptions {
  readonly client: KubeClient;
  /** Of the leader's term. */
  readonly epoch: number;
  /** Aborts when the term is over: whatever is under way stops at once. */
  readonly over: AbortSignal;
  readonly config: OperatorConfig;
  readonly trust: AgentTrust;
  readonly agents: AgentWatches;
  readonly importFirmware: ImportFirmware;
  readonly queue: QueueWatch;
  readonly tell: TellEvent;
  readonly clock: () => number;
  readonly log: Log;
  readonly metrics: KubeMetrics;
}

export interface Controllers extends AsyncDisposable {
  readonly caches: FarmCaches;
}

const INSTANCE_WORKERS = 16;
const POOL_WORKERS = 4;
/** An agent tells of each job: a pool is looked at after several. */
const POOL_CALM_MS = 500;
/** An agent that has just come has better things to do than to be asked about boards. */
const BOARD_CALM_MS = 5_000;

/** One queue of keys for each kind, fed by what changes in the cluster and in agents. */
export function openControllers(options: ControllersOptions): Controllers {
  const { client, epoch, config, trust, agents, tell, clock, log, metrics } = options;
  const agent = { ...config.agent, trust: trust.mounts };
  const nowMs = () => performance.now();
  const open = new AsyncDisposableStack();
  const madePods = new MadeObjects<Pod>();
  const pods = createPodMaker({ client, trust, made: madePods, epoch, tell, clock });
  // Nothing here waits: what the caches tell finds its queue.
  const wake = (key: string) => queues.instance.add(key);
  const configMaps = createConfigMapVersions({ client, log, metrics, onChange: wake });
  const sources = open.use(createFirmwareSources({ client, configMaps }));
  const firmware = open.use(
    createFirmwareResolver({ importFirmware: options.importFirmware, sources, onChange: wake, clock }),
  );
  const wakes = {
    instance: wake,
    pool: (key: string) => queues.pool.add(key),
    board: (key: string) => queues.board.add(key),
  };
  const changes = createFarmChanges({ wake: wakes, madePods, agents, caches: () => caches });
  const caches = open.use(openFarmCaches({ client, namespaces: config.watchNamespaces, log, metrics, changes }));

  const instance = createInstanceReconciler({
    world: { caches, madePods, agents, firmware, agentImage: config.agent.image, wake },
    takeStep: createInstanceSteps({ client, pods, firmware, agent, epoch, clock }),
    status: createStatusWriter<EmulatorInstanceStatus>({
      client,
      resource: INSTANCES,
      nowMs,
      isUrgent: isNews,
      onWritten: tellOf(tell, instanceEventOf),
    }),
    pods,
    clock,
  });
  const pool = createPoolReconciler({
    world: {
      caches,
      madePods,
      agents,
      agent,
      queue: options.queue,
      clock,
      wake: (key) => queues.pool.addAfter(key, POOL_CALM_MS),
    },
    takeStep: createPoolSteps({ client, pods, agent, tell, clock }),
    status: createStatusWriter<EmulatorPoolStatus>({
      client,
      resource: POOLS,
      nowMs,
      isUrgent: isReadyChanged,
      onWritten: tellOf(tell, readyEventOf),
    }),
    pods,
    clock,
  });
  const boardStatus = { client, nowMs, isUrgent: () => true, onWritten: tellOf(tell, readyEventOf) };
  const ofNamespace = createStatusWriter<BoardObjectStatus>({ ...boardStatus, resource: BOARDS });
  const ofCluster = createStatusWriter<BoardObjectStatus>({ ...boardStatus, resource: CLUSTER_BOARDS });
  const statusOf = ({ kind }: { kind: string }) => (kind === "Board" ? ofNamespace : ofCluster);
  const board = createBoardReconciler({ caches, agents, statusOf, clock });

  // What is not known yet must not be taken for what is not there.
  const queue = (name: string, workers: number, reconcile: typeof instance): WorkQueue =>
    open.use(
      createWorkQueue({
        name,
        workers,
        log,
        metrics,
        signal: options.over,
        // A term may end before everything is known: the caches end after the queues.
        reconcile: (key, signal) => unlessAborted(caches.synced, signal).then(() => reconcile(key, signal)),
      }),
    );
  const queues = {
    board: queue("board", 1, board),
    pool: queue("emulatorpool", POOL_WORKERS, pool),
    instance: queue("emulatorinstance", INSTANCE_WORKERS, instance),
  };
  options.queue.onChange(() => {
    for (const { metadata } of caches.pools.list()) {
      queues.pool.addAfter(`${metadata.namespace ?? ""}/${metadata.name ?? ""}`, POOL_CALM_MS);
    }
  });
  agents.onFirstConnected(() => {
    for (const { metadata } of caches.clusterBoards.list()) queues.board.addAfter(metadata.name ?? "", BOARD_CALM_MS);
    for (const { metadata } of caches.boards.list()) {
      queues.board.addAfter(`${metadata.namespace ?? ""}/${metadata.name ?? ""}`, BOARD_CALM_MS);
    }
  });
  return { caches, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

/** What a written status means for people is told them beside it. */
function tellOf<Status>(
  tell: TellEvent,
  eventOf: (before: Status | undefined, after: Status) => StatusEvent | undefined,
): (object: FarmObject, before: Status | undefined, after: Status) => void {
  return (object, before, after) => {
    const event = eventOf(before, after);
    if (event) tell(object, event.type, event.reason, event.note);
  };
}

function isReadyChanged(before: EmulatorPoolStatus | undefined, after: EmulatorPoolStatus): boolean {
  return before?.conditions?.[0]?.status !== after.conditions?.[0]?.status;
}
