import type { CallOptions, KubeClient } from "./kube-client.ts";

/** For how long acts are allowed. */
export interface Term {
  readonly signal: AbortSignal;
  /** @throws the signal's reason once the term is over */
  assertHeld(): void;
}

/**
 * A client whose writes leave only within the term: it is held against the clock right before each one, after
 * everything that took time. Reads and watches end with the term, too.
 */
export function createFencedClient(client: KubeClient, term: Term): KubeClient {
  const within = <Options extends CallOptions>(options: Options | undefined) => ({
    ...(options as Options),
    signal: options?.signal ? AbortSignal.any([term.signal, options.signal]) : term.signal,
    beforeSend() {
      term.assertHeld();
      options?.beforeSend?.();
    },
  });
  return {
    get: (resource, name, namespace, options) => client.get(resource, name, namespace, within(options)),
    list: (resource, selection) => client.list(resource, within(selection)),
    watch: (resource, options) =>
      client.watch(resource, { ...options, signal: AbortSignal.any([term.signal, options.signal]) }),
    create: (resource, object, options) => client.create(resource, object, within(options)),
    apply: (resource, object, options) => client.apply(resource, object, within(options)),
    applyStatus: (resource, object, options) => client.applyStatus(resource, object, within(options)),
    patch: (resource, name, namespace, mergePatch, options) =>
      client.patch(resource, name, namespace, mergePatch, within(options)),
    replace: (resource, object, options) => client.replace(resource, object, within(options)),
    delete: (resource, name, namespace, options) => client.delete(resource, name, namespace, within(options)),
    // Its connections belong to who made the client.
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
