import { splitKey } from "../kube/kube-object.ts";
import type { AgentWatches } from "./agent/agent-watches.ts";
import type { FarmCaches, FarmChanges, MadeObjects } from "./kubernetes/farm-caches.ts";
import type { FarmObject, Pod } from "./kubernetes/kinds.ts";
import { INSTANCE_LABEL, POOL_LABEL } from "./kubernetes/labels.ts";

/** Looks again at the object of this key. */
export interface FarmWakes {
  readonly instance: (key: string) => void;
  readonly pool: (key: string) => void;
  readonly board: (key: string) => void;
}

export interface FarmChangesDependencies {
  readonly wake: FarmWakes;
  readonly madePods: MadeObjects<Pod>;
  readonly agents: AgentWatches;
  readonly caches: () => FarmCaches;
}

/** Which objects have to be looked at when something in the cluster has changed. */
export function createFarmChanges(dependencies: FarmChangesDependencies): FarmChanges {
  const { wake, madePods, agents, caches } = dependencies;
  /** Whose the pods are that are there, to be told when they have gone. */
  const owners = new Map<string, () => void>();

  function ownerOf(key: string, { metadata: { labels, namespace = "" } }: Pod): (() => void) | undefined {
    const instance = labels?.[INSTANCE_LABEL];
    if (instance !== undefined) return () => wake.instance(`${namespace}/${instance}`);
    const pool = labels?.[POOL_LABEL];
    return pool === undefined ? owners.get(key) : () => wake.pool(`${namespace}/${pool}`);
  }

  function pod(key: string): void {
    madePods.seen(key);
    const found = caches().pods.get(key);
    const tell = found ? ownerOf(key, found) : owners.get(key);
    if (found && tell) owners.set(key, tell);
    if (!found) {
      owners.delete(key);
      endWatches();
    }
    tell?.();
  }

  function endWatches(): void {
    const uids = new Set(
      caches()
        .pods.list()
        .map(({ metadata }) => metadata.uid),
    );
    agents.keepOnly((uid) => uids.has(uid));
  }

  function usersOf({ namespace, name }: { readonly namespace?: string; readonly name: string }): void {
    const isNear = ({ metadata }: FarmObject) => namespace === undefined || namespace === metadata.namespace;
    for (const object of caches().instances.list().filter(isNear)) {
      if ((object.spec as { board?: unknown } | undefined)?.board === name) wake.instance(keyOfObject(object));
    }
    for (const object of caches().pools.list().filter(isNear)) {
      const boards = (object.spec as { boards?: unknown } | undefined)?.boards;
      if (Array.isArray(boards) && boards.includes(name)) wake.pool(keyOfObject(object));
    }
  }

  function board(key: string): void {
    wake.board(key);
    usersOf(splitKey(key));
  }

  return {
    instance: wake.instance,
    pool: wake.pool,
    board,
    clusterBoard: board,
    pod,
    service: wake.instance,
    budget: wake.pool,
  };
}

function keyOfObject({ metadata }: FarmObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name ?? ""}`;
}
