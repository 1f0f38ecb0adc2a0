import type { KubeClient } from "../../src/kube/kube-client.ts";
import { KubeError } from "../../src/kube/kube-error.ts";
import { type KubeObject, keyOf, type Resource } from "../../src/kube/kube-object.ts";

/** The objects of a server that only reads, creates and replaces, with versions as preconditions. */
export class StoredObjects {
  readonly #objects = new Map<string, KubeObject>();
  #version = 0;

  get(resource: Resource, key: string): KubeObject | undefined {
    return this.#objects.get(`${resource.kind} ${key}`);
  }

  create(resource: Resource, object: KubeObject): KubeObject {
    if (this.get(resource, keyOf(object))) throw refusal(409, "AlreadyExists");
    return this.#store(resource, object);
  }

  replace(resource: Resource, object: KubeObject): KubeObject {
    const present = this.get(resource, keyOf(object));
    if (!present) throw refusal(404, "NotFound");
    if (present.metadata.resourceVersion !== object.metadata.resourceVersion) throw refusal(409, "Conflict");
    return this.#store(resource, object);
  }

  remove(resource: Resource, key: string): void {
    this.#objects.delete(`${resource.kind} ${key}`);
  }

  #store(resource: Resource, object: KubeObject): KubeObject {
    this.#version += 1;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: `${this.#version}` } };
    this.#objects.set(`${resource.kind} ${keyOf(object)}`, stored);
    return stored;
  }
}

/**
 * A client for them. `through` is what a call goes through: it may wait, throw, or lose the answer. As the real one,
 * it asks `beforeSend` when the call leaves, and an aborted signal ends it.
 */
export function clientOf(objects: StoredObjects, through: <Value>(act: () => Value) => Promise<Value>): KubeClient {
  const call = async <Value>(options: Parameters<KubeClient["create"]>[2], act: () => Value): Promise<Value> => {
    options?.signal?.throwIfAborted();
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    options?.signal?.addEventListener("abort", () => reject(options.signal?.reason));
    const done = through(() => {
      options?.beforeSend?.();
      options?.signal?.throwIfAborted();
      return act();
    });
    return Promise.race([done, aborted]);
  };
  const partial: Partial<KubeClient> = {
    get: (resource, name, namespace, options) =>
      call(options, () => objects.get(resource, `${namespace}/${name}`)) as Promise<never>,
    create: (resource, object, options) => call(options, () => objects.create(resource, object)) as Promise<never>,
    replace: (resource, object, options) => call(options, () => objects.replace(resource, object)) as Promise<never>,
  };
  return partial as KubeClient;
}

function refusal(status: number, reason: string): KubeError {
  return new KubeError({ status, reason, message: reason });
}
