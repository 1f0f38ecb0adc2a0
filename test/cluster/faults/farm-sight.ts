import { Registry } from "prom-client";
import type { EmulatorInstanceStatus } from "../../../src/core/schema/emulator-instance-status.ts";
import { createKubeClient } from "../../../src/kube/create-kube-client.ts";
import type { KubeClient } from "../../../src/kube/kube-client.ts";
import { createKubeMetrics } from "../../../src/kube/kube-metrics.ts";
import type { KubeObject, Resource } from "../../../src/kube/kube-object.ts";
import { createReflector, type Reflector } from "../../../src/kube/reflector.ts";
import { createLog } from "../../../src/log/log.ts";
import { type FarmObject, INSTANCES, PODS, type Pod } from "../../../src/operator/kubernetes/kinds.ts";
import { INSTANCE_LABEL, INSTANCE_UID_LABEL, POOL_LABEL } from "../../../src/operator/kubernetes/labels.ts";
import type { TestCluster, TestNamespace } from "../test-cluster.ts";

/** On two busy cores everything takes its time; nothing here takes minutes unless it never comes. */
const DEADLINE_MS = 150_000;
/** A test's own API server is away for seconds, not for minutes: it is looked for more often than a real one. */
const TIMINGS = { inactivityMs: 20_000, firstPauseMs: 100, longestPauseMs: 500 };

export type SeenInstance = FarmObject & { readonly status?: EmulatorInstanceStatus };

/** The fewest agents of a pool that served at one moment. */
export interface PoolCount {
  readonly pool: string;
  fewest: number;
}

/** What becomes of the instances of a namespace and of their pods, as the API server tells it. */
export class FarmSight implements AsyncDisposable {
  /** Names of pods that were ready at one moment though they are of one instance. There must never be any. */
  readonly doubles: string[] = [];
  /** Names of all pods that were ever seen, by instance. */
  readonly podsEver = new Map<string, Set<string>>();
  /** How often an instance was seen to change, its status included. */
  readonly changes = new Map<string, number>();
  readonly client: KubeClient;
  readonly #instances: Reflector<FarmObject>;
  readonly #pods: Reflector<Pod>;
  readonly #waiting = new Set<() => void>();
  readonly #counts: PoolCount[] = [];

  private constructor(cluster: TestCluster, { name: namespace }: TestNamespace) {
    const metrics = createKubeMetrics(new Registry());
    const log = createLog({ name: "sight", level: "silent" });
    const client = createKubeClient({ source: { kubeconfigFile: cluster.kubeconfig }, metrics, userAgent: "test" });
    const see = <Kind extends KubeObject>(resource: Resource<Kind>, onChange: (key: string) => void) =>
      createReflector({ client, resource, namespace, onChange, log, metrics, timings: TIMINGS });
    this.client = client;
    this.#instances = see(INSTANCES, (key) => {
      this.changes.set(key.split("/")[1] ?? "", this.changesOf(key.split("/")[1] ?? "") + 1);
      this.#tell();
    });
    this.#pods = see(PODS, () => {
      this.#lookAtPods();
      this.#tell();
    });
  }

  static async open(cluster: TestCluster, namespace: TestNamespace): Promise<FarmSight> {
    const sight = new FarmSight(cluster, namespace);
    await Promise.all([sight.#instances.synced, sight.#pods.synced]);
    return sight;
  }

  instance(name: string): SeenInstance | undefined {
    return this.#instances.list().find(({ metadata }) => metadata.name === name) as SeenInstance | undefined;
  }

  changesOf(name: string): number {
    return this.changes.get(name) ?? 0;
  }

  /** Pods of an instance, those that are about to go as well. */
  pods(name: string): Pod[] {
    return this.#pods.list().filter(({ metadata }) => metadata.labels?.[INSTANCE_LABEL] === name);
  }

  /** Pods of a pool that serve. */
  poolPods(name: string): Pod[] {
    const isOfPool = ({ metadata }: Pod) => metadata.labels?.[POOL_LABEL] === name;
    return this.#pods.list().filter((pod) => isOfPool(pod) && isReady(pod) && !pod.metadata.deletionTimestamp);
  }

  /** Counts the agents of a pool that serve, from now on. */
  countAgents(pool: string): PoolCount {
    const count = { pool, fewest: this.poolPods(pool).length };
    this.#counts.push(count);
    return count;
  }

  /** The instance, once its status fits and is about its present spec. */
  async untilInstance(
    name: string,
    fits: (status: EmulatorInstanceStatus) => boolean,
    withinMs = DEADLINE_MS,
  ): Promise<SeenInstance> {
    const look = () => {
      const object = this.instance(name);
      const isPresent = object?.status?.observedGeneration === object?.metadata.generation;
      return object?.status && isPresent && fits(object.status) ? object : undefined;
    };
    return await this.until(`status of ${name}`, look, withinMs);
  }

  async until<Found>(what: string, look: () => Found | undefined, withinMs = DEADLINE_MS): Promise<Found> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (!(await this.#nextChange(deadline)))
        throw new Error(`waited ${withinMs} ms in vain for ${what}; there is ${this.#words()}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#instances[Symbol.asyncDispose](), this.#pods[Symbol.asyncDispose]()]);
    await this.client[Symbol.asyncDispose]();
  }

  async #nextChange(deadline: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const changed = () => resolve(true);
    const timer = setTimeout(() => resolve(false), deadline - Date.now());
    this.#waiting.add(changed);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(changed);
    }
  }

  #tell(): void {
    for (const changed of [...this.#waiting]) changed();
  }

  #lookAtPods(): void {
    const ready = new Map<string, string[]>();
    for (const pod of this.#pods.list()) {
      const { name = "", labels } = pod.metadata;
      const instance = labels?.[INSTANCE_LABEL] ?? "";
      this.podsEver.set(instance, (this.podsEver.get(instance) ?? new Set()).add(name));
      const uid = labels?.[INSTANCE_UID_LABEL];
      if (uid === undefined || !isReady(pod)) continue;
      ready.set(uid, [...(ready.get(uid) ?? []), name]);
    }
    for (const count of this.#counts) count.fewest = Math.min(count.fewest, this.poolPods(count.pool).length);
    for (const names of ready.values()) if (names.length > 1) this.doubles.push(names.sort().join(" and "));
  }

  #words(): string {
    const pods = this.#pods.list().map(({ metadata, status }) => ({ name: metadata.name, status }));
    const instances = this.#instances.list().map(({ metadata, status }) => ({ name: metadata.name, status }));
    return JSON.stringify({ instances, pods }, undefined, 1);
  }
}

export function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false;
}

/** A condition of a status, by its type. */
export function conditionOf(status: EmulatorInstanceStatus | undefined, type: string) {
  return status?.conditions?.find((condition) => condition.type === type);
}

/** What the spec asks for is so. */
export function isServing(status: EmulatorInstanceStatus): boolean {
  return conditionOf(status, "Ready")?.status === "True";
}
