import { splitKey } from "../../kube/kube-object.ts";
import type { AgentWatches } from "../agent/agent-watches.ts";
import type { FarmCaches, FarmChanges, MadeObjects } from "../kubernetes/farm-caches.ts";
import type { Pod } from "../kubernetes/kinds.ts";
import { INSTANCE_LABEL } from "../kubernetes/labels.ts";

export interface InstanceChangesDependencies {
  readonly wake: (key: string) => void;
  readonly madePods: MadeObjects<Pod>;
  readonly agents: AgentWatches;
  readonly caches: () => FarmCaches;
}

/** Which instances have to be looked at when something in the cluster has changed. */
export function createInstanceChanges(dependencies: InstanceChangesDependencies): FarmChanges {
  const { wake, madePods, agents, caches } = dependencies;
  /** Instances of pods that are there, to be told when they have gone. */
  const instances = new Map<string, string>();

  function pod(key: string): void {
    madePods.seen(key);
    const found = caches().pods.get(key);
    const instance = found?.metadata.labels?.[INSTANCE_LABEL] ?? instances.get(key);
    if (instance === undefined) return;
    if (found) instances.set(key, instance);
    else instances.delete(key);
    if (!found) endWatches();
    wake(`${splitKey(key).namespace ?? ""}/${instance}`);
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
    for (const { spec, metadata } of caches().instances.list()) {
      const isUser = (spec as { board?: unknown } | undefined)?.board === name;
      if (!isUser || (namespace !== undefined && namespace !== metadata.namespace)) continue;
      wake(`${metadata.namespace ?? ""}/${metadata.name ?? ""}`);
    }
  }

  return {
    instance: wake,
    pool: () => {},
    board: (key) => usersOf(splitKey(key)),
    clusterBoard: (name) => usersOf({ name }),
    pod,
    service: wake,
  };
}
