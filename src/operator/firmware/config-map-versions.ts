import type { KubeClient } from "../../kube/kube-client.ts";
import type { KubeMetrics } from "../../kube/kube-metrics.ts";
import { type KubeObject, splitKey } from "../../kube/kube-object.ts";
import { createReflector, type Reflector } from "../../kube/reflector.ts";
import type { Log } from "../../log/log.ts";
import { CONFIG_MAP_VERSIONS } from "../kubernetes/kinds.ts";

/** A ConfigMap as it is now: not known yet, missing, or there in some version. */
export type SeenVersion = "unknown" | "missing" | { readonly version: string };

/**
 * The ConfigMaps that firmware comes from, told by their versions: one watch of metadata for each namespace with users,
 * however many ConfigMaps they use. What is in them is read when it is needed.
 */
export interface ConfigMapVersions extends AsyncDisposable {
  /** The user needs these (`namespace/name`) and no others any more, and is told when they change. */
  use(user: string, keys: readonly string[]): void;
  /** Of one that somebody uses. */
  see(key: string): SeenVersion;
}

export interface ConfigMapVersionsDependencies {
  readonly client: KubeClient;
  readonly log: Log;
  readonly metrics: KubeMetrics;
  readonly onChange: (user: string) => void;
}

export function createConfigMapVersions(dependencies: ConfigMapVersionsDependencies): ConfigMapVersions {
  const { client, log, metrics, onChange } = dependencies;
  const keysOfUsers = new Map<string, readonly string[]>();
  /** By key. */
  const users = new Map<string, Set<string>>();
  /** By namespace. */
  const watches = new Map<string, { readonly reflector: Reflector<KubeObject>; readonly keys: Set<string> }>();
  const ending = new Set<Promise<void>>();

  function watch(namespace: string) {
    const keys = new Set<string>();
    const tell = (key: string) => {
      for (const user of users.get(key) ?? []) onChange(user);
    };
    const reflector: Reflector<KubeObject> = createReflector({
      client,
      resource: CONFIG_MAP_VERSIONS,
      namespace,
      onChange: tell,
      log,
      metrics,
    });
    // One that is not there is news, too; an end before that is no failure.
    reflector.synced.then(
      () => keys.forEach(tell),
      () => {},
    );
    const opened = { reflector, keys };
    watches.set(namespace, opened);
    return opened;
  }

  function add(user: string, key: string): void {
    const { namespace = "" } = splitKey(key);
    (watches.get(namespace) ?? watch(namespace)).keys.add(key);
    const known = users.get(key) ?? new Set();
    users.set(key, known.add(user));
  }

  function remove(user: string, key: string): void {
    const { namespace = "" } = splitKey(key);
    const left = users.get(key);
    left?.delete(user);
    if (left && left.size > 0) return;
    users.delete(key);
    const watched = watches.get(namespace);
    watched?.keys.delete(key);
    if (watched?.keys.size === 0) end(namespace, watched.reflector);
  }

  function end(namespace: string, reflector: AsyncDisposable): void {
    watches.delete(namespace);
    const done = Promise.resolve(reflector[Symbol.asyncDispose]()).finally(() => ending.delete(done));
    ending.add(done);
  }

  return {
    use(user, keys) {
      const before = keysOfUsers.get(user) ?? [];
      if (keys.length === 0) keysOfUsers.delete(user);
      else keysOfUsers.set(user, keys);
      for (const key of keys) if (!before.includes(key)) add(user, key);
      for (const key of before) if (!keys.includes(key)) remove(user, key);
    },
    see(key) {
      const reflector = watches.get(splitKey(key).namespace ?? "")?.reflector;
      if (!reflector?.isSynced) return "unknown";
      const object = reflector.get(key);
      if (!object) return "missing";
      const { uid = "", resourceVersion = "" } = object.metadata;
      return { version: `${uid}/${resourceVersion}` };
    },
    async [Symbol.asyncDispose]() {
      for (const [namespace, { reflector }] of watches) end(namespace, reflector);
      await Promise.all(ending);
    },
  };
}
