import { Counter, Gauge, Histogram, type Registry } from "prom-client";

const WORK_SECONDS = [1e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const QUEUE_SECONDS = [1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10, 60, 300, 1_000];

/**
 * What Kubernetes programs count, under the names that dashboards for controller-runtime know, and what reflectors
 * tell of themselves. Once for each registry.
 */
export type KubeMetrics = ReturnType<typeof createKubeMetrics>;

export function createKubeMetrics(registry: Registry) {
  const registers = [registry];
  const readers = new Set<() => void>();
  const collect = () => {
    for (const read of readers) read();
  };
  return {
    /** Has values set that change by themselves, whenever they are asked for. */
    readWhenAsked(read: () => void): Disposable {
      readers.add(read);
      return { [Symbol.dispose]: () => readers.delete(read) };
    },
    ...clientMetrics(registers),
    ...queueMetrics(registers, collect),
    ...reconcileMetrics(registers),
    ...reflectorMetrics(registers),
    isLeader: new Gauge({
      name: "leader_election_master_status",
      help: "1 while this process leads.",
      labelNames: ["name"],
      registers,
    }),
  };
}

function clientMetrics(registers: Registry[]) {
  return {
    requests: new Counter({
      name: "rest_client_requests_total",
      help: "Requests to the API server, by the code of the answer; <error> where none came.",
      labelNames: ["code", "method", "host"],
      registers,
    }),
  };
}

function queueMetrics(registers: Registry[], collect: () => void) {
  const labelNames = ["name", "controller"] as const;
  return {
    depth: new Gauge({ name: "workqueue_depth", help: "Keys that wait for a worker.", labelNames, registers }),
    adds: new Counter({ name: "workqueue_adds_total", help: "Keys added.", labelNames, registers }),
    retries: new Counter({ name: "workqueue_retries_total", help: "Keys tried again.", labelNames, registers }),
    queueSeconds: new Histogram({
      name: "workqueue_queue_duration_seconds",
      help: "How long keys waited for a worker.",
      labelNames,
      buckets: QUEUE_SECONDS,
      registers,
    }),
    workSeconds: new Histogram({
      name: "workqueue_work_duration_seconds",
      help: "How long keys had a worker.",
      labelNames,
      buckets: WORK_SECONDS,
      registers,
    }),
    unfinishedSeconds: new Gauge({
      name: "workqueue_unfinished_work_seconds",
      help: "How long the keys that have a worker have had it, together.",
      labelNames,
      collect,
      registers,
    }),
    longestSeconds: new Gauge({
      name: "workqueue_longest_running_processor_seconds",
      help: "How long the key that has had its worker longest has had it.",
      labelNames,
      collect,
      registers,
    }),
  };
}

function reconcileMetrics(registers: Registry[]) {
  const labelNames = ["controller"] as const;
  return {
    reconciles: new Counter({
      name: "controller_runtime_reconcile_total",
      help: "Reconciles, by result: success, requeue_after or error.",
      labelNames: ["controller", "result"],
      registers,
    }),
    reconcileErrors: new Counter({
      name: "controller_runtime_reconcile_errors_total",
      help: "Reconciles that failed.",
      labelNames,
      registers,
    }),
    reconcileSeconds: new Histogram({
      name: "controller_runtime_reconcile_time_seconds",
      help: "How long a reconcile took.",
      labelNames,
      buckets: WORK_SECONDS,
      registers,
    }),
    maxConcurrentReconciles: new Gauge({
      name: "controller_runtime_max_concurrent_reconciles",
      help: "How many keys can be reconciled at once.",
      labelNames,
      registers,
    }),
    activeWorkers: new Gauge({
      name: "controller_runtime_active_workers",
      help: "How many keys are being reconciled.",
      labelNames,
      registers,
    }),
  };
}

/** What one reflector tells of itself; several of one kind are one series. */
export interface ReflectorState {
  readonly lastEventAgeMs: number;
  readonly objects: number;
}

function reflectorMetrics(registers: Registry[]) {
  const labelNames = ["resource"] as const;
  const states = new Map<() => ReflectorState, string>();
  const gauge = (name: string, help: string, combine: (ofKind: readonly ReflectorState[]) => number) =>
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const resource of new Set(states.values())) {
          const ofKind = [...states].filter(([, kind]) => kind === resource).map(([state]) => state());
          this.set({ resource }, combine(ofKind));
        }
      },
    });
  return {
    /** Counts a reflector in, until it is disposed of. */
    addReflector(resource: string, state: () => ReflectorState): Disposable {
      states.set(state, resource);
      return { [Symbol.dispose]: () => states.delete(state) };
    },
    lastEventAge: gauge(
      "emufarm_reflector_last_event_age_seconds",
      "Since the API server last told anything about objects of this kind; of several reflectors the longest.",
      (ofKind) => Math.max(...ofKind.map(({ lastEventAgeMs }) => lastEventAgeMs)) / 1_000,
    ),
    objects: gauge("emufarm_reflector_objects", "Objects in the copies.", (ofKind) =>
      ofKind.reduce((sum, { objects }) => sum + objects, 0),
    ),
    lists: new Counter({
      name: "emufarm_reflector_lists_total",
      help: "Full lists, by what made them necessary.",
      labelNames: ["resource", "reason"],
      registers,
    }),
    watches: new Counter({
      name: "emufarm_reflector_watches_total",
      help: "Watches, by how they ended.",
      labelNames: ["resource", "end"],
      registers,
    }),
    unparsableEvents: new Counter({
      name: "emufarm_reflector_unparsable_events_total",
      help: "Lines of watches that were no event.",
      labelNames,
      registers,
    }),
    handlerErrors: new Counter({
      name: "emufarm_reflector_handler_errors_total",
      help: "Changes whose handler threw.",
      labelNames,
      registers,
    }),
  };
}
