import type { Log } from "../log/log.ts";
import { type Clock, pause, systemClock } from "./clock.ts";
import type { KubeClient, Selection, WatchEvent } from "./kube-client.ts";
import { KubeError } from "./kube-error.ts";
import type { KubeMetrics } from "./kube-metrics.ts";
import { type KubeObject, keyOf, type Resource } from "./kube-object.ts";
import { type IndexFunction, ObjectStore } from "./object-store.ts";
import { isHarmless, isRefusal, mustList } from "./watch-failure.ts";

/** How long a reflector waits for what. The defaults suit a real cluster; tests break things sooner. */
export interface ReflectorTimings {
  /** A watch is ended by the server after a random time between these. */
  readonly watchSeconds: readonly [least: number, most: number];
  /** A watch without a byte for so long is opened anew: a bookmark is due each minute. */
  readonly inactivityMs: number;
  /** Pauses after failures, each up to twice the one before, drawn at random. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

export interface ReflectorOptions<Kind extends KubeObject> extends Selection {
  readonly client: Pick<KubeClient, "list" | "watch">;
  readonly resource: Resource<Kind>;
  /** An object has come, changed or gone. The reflector holds the news already. What it throws is logged and counted. */
  readonly onChange: (key: string) => void;
  /** Names under which `byIndex` finds objects, each with the values an object has. */
  readonly indexes?: Readonly<Record<string, IndexFunction<Kind>>>;
  readonly log: Log;
  readonly metrics: KubeMetrics;
  readonly clock?: Clock;
  readonly timings?: Partial<ReflectorTimings>;
}

/**
 * A copy of the objects of one kind, kept up to date by list and watch. Objects are not to be changed; their
 * `managedFields` are left out.
 */
export interface Reflector<Kind extends KubeObject> extends AsyncDisposable {
  /** `namespace/name`, or `name` where the kind has no namespaces. */
  get(key: string): Kind | undefined;
  list(): readonly Kind[];
  /** @throws RangeError for an index that was not declared */
  byIndex(index: string, value: string): readonly Kind[];
  /** Settles when the copy was complete for the first time; rejects when the reflector ends before. */
  readonly synced: Promise<void>;
  readonly isSynced: boolean;
  /** Since the API server last told anything, be it that nothing has changed. */
  readonly lastEventAgeMs: number;
}

const DEFAULT_TIMINGS: ReflectorTimings = {
  watchSeconds: [240, 300],
  inactivityMs: 75_000,
  firstPauseMs: 200,
  longestPauseMs: 5_000,
};

/** A watch that ends sooner and brought nothing is a failure: to open the next one at once might go on for ever. */
const SHORT_WATCH_MS = 1_000;
/** So many failures in a row, and the version to go on from is suspected. */
const FAILURES_UNTIL_RELIST = 3;

/** Starts at once. */
export function createReflector<Kind extends KubeObject>(options: ReflectorOptions<Kind>): Reflector<Kind> {
  return new ListWatchReflector(options);
}

class ListWatchReflector<Kind extends KubeObject> implements Reflector<Kind> {
  readonly #options: ReflectorOptions<Kind>;
  readonly #timings: ReflectorTimings;
  readonly #clock: Clock;
  readonly #store: ObjectStore<Kind>;
  readonly #labels: { readonly resource: string };
  readonly #counted: Disposable;
  readonly #ending = new AbortController();
  readonly #firstSync = Promise.withResolvers<void>();
  readonly #loop: Promise<void>;
  #isSynced = false;
  /** Where the next watch goes on; undefined where only a list tells. */
  #version: string | undefined;
  #listReason = "start";
  /** In a row, since the API server last told anything. */
  #failures = 0;
  #lastEventMs: number;

  constructor(options: ReflectorOptions<Kind>) {
    const { resource, metrics, clock = systemClock, indexes = {}, timings } = options;
    this.#options = options;
    this.#timings = { ...DEFAULT_TIMINGS, ...timings };
    this.#clock = clock;
    this.#lastEventMs = clock.nowMs();
    this.#labels = { resource: resource.plural };
    this.#store = new ObjectStore(
      Object.fromEntries(Object.entries(indexes).map(([name, valuesOf]) => [name, this.#isolated(name, valuesOf)])),
    );
    metrics.unparsableEvents.inc(this.#labels, 0);
    metrics.handlerErrors.inc(this.#labels, 0);
    this.#counted = metrics.addReflector(resource.plural, () => ({
      lastEventAgeMs: this.lastEventAgeMs,
      objects: this.#store.size,
    }));
    // Who does not wait for the copy need not hear that it never came.
    this.#firstSync.promise.catch(() => {});
    this.#loop = this.#run();
  }

  get synced(): Promise<void> {
    return this.#firstSync.promise;
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  get lastEventAgeMs(): number {
    return this.#clock.nowMs() - this.#lastEventMs;
  }

  get(key: string): Kind | undefined {
    return this.#store.get(key);
  }

  list(): readonly Kind[] {
    return this.#store.list();
  }

  byIndex(index: string, value: string): readonly Kind[] {
    return this.#store.byIndex(index, value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const reason = new Error(`the reflector of ${this.#labels.resource} has ended`);
    this.#ending.abort(reason);
    await this.#loop;
    this.#firstSync.reject(reason);
    this.#counted[Symbol.dispose]();
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        await this.#watch(this.#version ?? (await this.#list()));
      } catch (error) {
        if (!signal.aborted) await pause(this.#clock, this.#pauseAfter(error), signal);
      }
    }
  }

  async #list(): Promise<string> {
    const { client, resource, metrics } = this.#options;
    metrics.lists.inc({ ...this.#labels, reason: this.#listReason });
    const { items, resourceVersion } = await client.list(resource, {
      ...this.#selection(),
      signal: this.#ending.signal,
    });
    const changed = this.#store.replace(items.map(withoutManagedFields));
    this.#version = resourceVersion;
    this.#lastEventMs = this.#clock.nowMs();
    this.#isSynced = true;
    this.#firstSync.resolve();
    for (const key of changed) this.#tell(key);
    return resourceVersion;
  }

  async #watch(resourceVersion: string): Promise<void> {
    const { client, resource, metrics } = this.#options;
    const { watchSeconds, inactivityMs } = this.#timings;
    const [least, most] = watchSeconds;
    const startedMs = this.#clock.nowMs();
    let events = 0;
    const watch = client.watch(resource, {
      ...this.#selection(),
      resourceVersion,
      timeoutSeconds: Math.round(least + Math.random() * (most - least)),
      inactivityMs,
      signal: this.#ending.signal,
    });
    for await (const event of watch) {
      this.#apply(event);
      this.#failures = 0;
      if (event.type !== "BOOKMARK") events += 1;
    }
    if (events === 0 && this.#clock.nowMs() - startedMs < SHORT_WATCH_MS) {
      throw new KubeError({ status: 0, reason: "Short", message: "the API server ended a watch as soon as it began" });
    }
    metrics.watches.inc({ ...this.#labels, end: "Closed" });
    this.#failures = 0;
  }

  #apply({ type, object }: WatchEvent<Kind>): void {
    this.#version = object.metadata.resourceVersion;
    this.#lastEventMs = this.#clock.nowMs();
    if (type === "BOOKMARK") return;
    const key = type === "DELETED" ? this.#store.remove(keyOf(object)) : this.#store.put(withoutManagedFields(object));
    if (key !== undefined) this.#tell(key);
  }

  /** Decides how to go on, and when. */
  #pauseAfter(error: unknown): number {
    const { metrics } = this.#options;
    this.#failures += 1;
    const reason = error instanceof KubeError ? error.reason : "Broken";
    if (this.#version !== undefined) metrics.watches.inc({ ...this.#labels, end: reason });
    if (reason === "Unparsable") metrics.unparsableEvents.inc(this.#labels);
    if (mustList(error)) this.#forgetVersion(reason);
    else if (this.#failures >= FAILURES_UNTIL_RELIST && isRefusal(error)) this.#forgetVersion("Failing");
    const { firstPauseMs, longestPauseMs } = this.#timings;
    const longestMs = Math.min(firstPauseMs * 2 ** (this.#failures - 1), longestPauseMs);
    const jitteredMs = longestMs * (0.5 + Math.random() / 2);
    const askedMs = error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0;
    const pauseMs = isHarmless(error) && this.#failures === 1 ? 0 : Math.max(jitteredMs, askedMs + jitteredMs * 0.1);
    this.#log(error, pauseMs);
    return pauseMs;
  }

  #forgetVersion(reason: string): void {
    this.#version = undefined;
    this.#listReason = reason;
  }

  #log(error: unknown, pauseMs: number): void {
    const isNews = !isHarmless(error) && Number.isInteger(Math.log2(this.#failures));
    const values = { ...this.#labels, failures: this.#failures, pauseMs: Math.round(pauseMs), err: error };
    this.#options.log[isNews ? "warn" : "debug"](values, "list or watch failed");
  }

  #tell(key: string): void {
    try {
      this.#options.onChange(key);
    } catch (error) {
      // The copy is right; who watches it must not end it.
      this.#options.metrics.handlerErrors.inc(this.#labels);
      this.#options.log.error({ ...this.#labels, key, err: error }, "the handler of a change failed");
    }
  }

  /** An index function that throws finds nothing. */
  #isolated(name: string, valuesOf: IndexFunction<Kind>): IndexFunction<Kind> {
    return (object) => {
      try {
        return valuesOf(object);
      } catch (error) {
        // One odd object must not end the copy of all others.
        this.#options.metrics.handlerErrors.inc(this.#labels);
        this.#options.log.error({ ...this.#labels, key: keyOf(object), index: name, err: error }, "an index failed");
        return [];
      }
    };
  }

  #selection(): Selection {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    return {
      ...(namespace !== undefined && { namespace }),
      ...(labelSelector !== undefined && { labelSelector }),
      ...(fieldSelector !== undefined && { fieldSelector }),
    };
  }
}

function withoutManagedFields<Kind extends KubeObject>(object: Kind): Kind {
  const { managedFields: _dropped, ...metadata } = object.metadata;
  return { ...object, metadata };
}
