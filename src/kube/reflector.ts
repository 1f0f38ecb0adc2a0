import type { Log } from "../log/log.ts";
import type { Clock } from "./clock.ts";
import type { KubeClient, Selection } from "./kube-client.ts";
import type { KubeMetrics } from "./kube-metrics.ts";
import type { KubeObject, Resource } from "./kube-object.ts";

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
  readonly indexes?: Readonly<Record<string, (object: Kind) => readonly string[]>>;
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
