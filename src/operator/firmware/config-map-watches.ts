import type { KubeClient } from "../../kube/kube-client.ts";
import type { KubeMetrics } from "../../kube/kube-metrics.ts";
import { createReflector, type Reflector } from "../../kube/reflector.ts";
import type { Log } from "../../log/log.ts";
import { CONFIG_MAPS, type ConfigMap } from "../kubernetes/kinds.ts";

/** A ConfigMap as it is now: not known yet, missing, or there. */
export type SeenConfigMap =
  | { readonly state: "unknown" }
  | { readonly state: "missing" }
  | { readonly state: "found"; readonly object: ConfigMap };

/** The ConfigMaps that firmware comes from; only these are read, each watched by its name. */
export interface ConfigMapWatches extends AsyncDisposable {
  /** @param user whom to tell of a change */
  read(namespace: string, name: string, user: string): SeenConfigMap;
  /** The user needs these and no others any more. */
  keepOnly(user: string, names: readonly string[]): void;
}

export interface ConfigMapWatchesDependencies {
  readonly client: KubeClient;
  readonly log: Log;
  readonly metrics: KubeMetrics;
  readonly onChange: (user: string) => void;
}

interface Watched {
  readonly reflector: Reflector<ConfigMap>;
  readonly users: Set<string>;
}

export function createConfigMapWatches(dependencies: ConfigMapWatchesDependencies): ConfigMapWatches {
  const { client, log, metrics, onChange } = dependencies;
  const watched = new Map<string, Watched>();
  const ending = new Set<Promise<void>>();

  function watch(namespace: string, name: string): Watched {
    const users = new Set<string>();
    const tell = () => users.forEach(onChange);
    const reflector = createReflector({
      client,
      resource: CONFIG_MAPS,
      namespace,
      fieldSelector: `metadata.name=${name}`,
      onChange: tell,
      log,
      metrics,
    });
    // One that is not there is news, too; an end before that is no failure.
    reflector.synced.then(tell, () => {});
    return { reflector, users };
  }

  function end(key: string, { reflector }: Watched): void {
    watched.delete(key);
    const done = Promise.resolve(reflector[Symbol.asyncDispose]()).finally(() => ending.delete(done));
    ending.add(done);
  }

  return {
    read(namespace, name, user) {
      const key = `${namespace}/${name}`;
      const found = watched.get(key) ?? watch(namespace, name);
      watched.set(key, found);
      found.users.add(user);
      if (!found.reflector.isSynced) return { state: "unknown" };
      const object = found.reflector.get(key);
      return object ? { state: "found", object } : { state: "missing" };
    },
    keepOnly(user, names) {
      for (const [key, entry] of watched) {
        if (names.includes(key) || !entry.users.delete(user)) continue;
        if (entry.users.size === 0) end(key, entry);
      }
    },
    async [Symbol.asyncDispose]() {
      for (const [key, entry] of watched) end(key, entry);
      await Promise.all(ending);
    },
  };
}
