import type { KubeClient } from "../../kube/kube-client.ts";
import type { KubeMetrics } from "../../kube/kube-metrics.ts";
import { type KubeObject, keyOf, type Resource } from "../../kube/kube-object.ts";
import { createReflector, type Reflector } from "../../kube/reflector.ts";
import type { Log } from "../../log/log.ts";
import {
  BOARDS,
  BUDGETS,
  type Budget,
  CLUSTER_BOARDS,
  type FarmObject,
  INSTANCES,
  PODS,
  POOLS,
  type Pod,
  SERVICES,
  type Service,
} from "./kinds.ts";
import { INSTANCE_LABEL, INSTANCE_UID_LABEL, POOL_UID_LABEL, SELECT_MANAGED } from "./labels.ts";

/** A copy of the objects of one kind, of all namespaces or of some. */
export type Cache<Kind extends KubeObject> = Pick<Reflector<Kind>, "get" | "list" | "byIndex">;

/** What the operator knows of the cluster. */
export interface FarmCaches extends AsyncDisposable {
  readonly instances: Cache<FarmObject>;
  readonly pools: Cache<FarmObject>;
  readonly boards: Cache<FarmObject>;
  readonly clusterBoards: Cache<FarmObject>;
  /** The farm's own. */
  readonly pods: Cache<Pod>;
  readonly services: Cache<Service>;
  readonly budgets: Cache<Budget>;
  /** Settles when everything has been read once. */
  readonly synced: Promise<void>;
}

/** What has changed, by kind; with the object's key. */
export interface FarmChanges {
  instance(key: string): void;
  pool(key: string): void;
  board(key: string): void;
  clusterBoard(key: string): void;
  pod(key: string): void;
  service(key: string): void;
  budget(key: string): void;
}

export interface FarmCachesOptions {
  readonly client: KubeClient;
  /** Namespaces to serve; none: all. */
  readonly namespaces: readonly string[];
  readonly changes: FarmChanges;
  readonly log: Log;
  readonly metrics: KubeMetrics;
}

/** Indexes of pods. */
export const BY_INSTANCE = "instance";
/** By `namespace/name` of the instance, whichever has the name. */
export const BY_INSTANCE_NAME = "instanceName";
export const BY_POOL = "pool";

export function openFarmCaches(options: FarmCachesOptions): FarmCaches {
  const { client, namespaces, changes, log, metrics } = options;
  const reflectors: Reflector<never>[] = [];

  function open<Kind extends KubeObject>(
    resource: Resource<Kind>,
    onChange: (key: string) => void,
    selection: { labelSelector?: string; indexes?: Record<string, (object: Kind) => readonly string[]> } = {},
  ): Cache<Kind> {
    const places = resource.isNamespaced && namespaces.length > 0 ? namespaces : [undefined];
    const parts = places.map((namespace) =>
      createReflector({
        client,
        resource,
        onChange,
        log,
        metrics,
        ...(namespace !== undefined && { namespace }),
        ...selection,
      }),
    );
    reflectors.push(...(parts as Reflector<never>[]));
    return merged(parts);
  }

  const label = (name: string) => (pod: Pod) => [pod.metadata.labels?.[name] ?? ""].filter((one) => one !== "");
  const nameOf = ({ metadata }: Pod) =>
    [metadata.labels?.[INSTANCE_LABEL]].flatMap((name) => (name ? [`${metadata.namespace ?? ""}/${name}`] : []));
  const caches = {
    instances: open(INSTANCES, changes.instance),
    pools: open(POOLS, changes.pool),
    boards: open(BOARDS, changes.board),
    clusterBoards: open(CLUSTER_BOARDS, changes.clusterBoard),
    pods: open(PODS, changes.pod, {
      labelSelector: SELECT_MANAGED,
      indexes: {
        [BY_INSTANCE]: label(INSTANCE_UID_LABEL),
        [BY_INSTANCE_NAME]: nameOf,
        [BY_POOL]: label(POOL_UID_LABEL),
      },
    }),
    services: open(SERVICES, changes.service, { labelSelector: SELECT_MANAGED }),
    budgets: open(BUDGETS, changes.budget, { labelSelector: SELECT_MANAGED }),
  };
  return {
    ...caches,
    synced: Promise.all(reflectors.map(({ synced }) => synced)).then(() => {}),
    async [Symbol.asyncDispose]() {
      await Promise.all(reflectors.map((reflector) => reflector[Symbol.asyncDispose]()));
    },
  };
}

function merged<Kind extends KubeObject>(parts: readonly Reflector<Kind>[]): Cache<Kind> {
  const [only, ...others] = parts;
  if (only && others.length === 0) return only;
  return {
    get: (key) => parts.map((part) => part.get(key)).find((one) => one !== undefined),
    list: () => parts.flatMap((part) => part.list()),
    byIndex: (index, value) => parts.flatMap((part) => part.byIndex(index, value)),
  };
}

/** Objects that were made and that the cache does not show yet: without them they would be made twice. */
export class MadeObjects<Kind extends KubeObject> {
  readonly #made = new Map<string, { readonly object: Kind; sinceMs: number }>();

  /** @param nowMs when it was there for certain */
  add(object: Kind, nowMs: number): void {
    this.#made.set(keyOf(object), { object, sinceMs: nowMs });
  }

  /** The cache has told of this object: from now on it knows better. */
  seen(key: string): void {
    this.#made.delete(key);
  }

  /** What the cache shows, and what it will. */
  with(shown: readonly Kind[], belongs: (object: Kind) => boolean): readonly Kind[] {
    if (this.#made.size === 0) return shown;
    const keys = new Set(shown.map(keyOf));
    return [...shown, ...this.unseen(belongs).flatMap(({ object }) => (keys.has(keyOf(object)) ? [] : [object]))];
  }

  /** What no cache has told of since, and since when: it may have been deleted while nobody watched. */
  unseen(belongs: (object: Kind) => boolean): { readonly object: Kind; readonly sinceMs: number }[] {
    return [...this.#made.values()].filter(({ object }) => belongs(object));
  }
}
