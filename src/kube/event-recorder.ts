import type { Log } from "../log/log.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { KubeClient } from "./kube-client.ts";
import type { KubeObject, Resource } from "./kube-object.ts";
import { microTime } from "./micro-time.ts";

/** Something worth telling about an object, as `kubectl describe` shows it. */
export interface ObjectEvent {
  readonly regarding: KubeObject;
  readonly type: "Normal" | "Warning";
  /** CamelCase, stable: `FirmwareLoaded`. */
  readonly reason: string;
  /** What was being done: `Reconcile`. */
  readonly action: string;
  /** For people; 1,024 bytes at most, the rest is cut off. */
  readonly note: string;
}

/** Tells events to the API server, as well as it can: a repeated event is counted instead of written again. */
export interface EventRecorder extends AsyncDisposable {
  /** Never throws and never waits. */
  record(event: ObjectEvent): void;
}

export interface EventRecorderOptions {
  readonly client: Pick<KubeClient, "create" | "patch">;
  /** `emufarm.dev/operator`. */
  readonly reportingController: string;
  /** The pod's name. */
  readonly reportingInstance: string;
  readonly log: Log;
  readonly clock?: Clock;
}

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ */
interface EventObject extends KubeObject {
  readonly eventTime: string;
  readonly type: string;
  readonly reason: string;
  readonly action: string;
  readonly note: string;
  readonly reportingController: string;
  readonly reportingInstance: string;
  readonly regarding: object;
  readonly series?: { readonly count: number; readonly lastObservedTime: string };
}

const EVENTS: Resource<EventObject> = {
  apiVersion: "events.k8s.io/v1",
  kind: "Event",
  plural: "events",
  isNamespaced: true,
};

const LONGEST_NOTE = 1_024;
/** An event that comes again within this time is counted. */
const SERIES_MS = 360_000;
/** How often a count is written at most. */
const COUNT_EVERY_MS = 60_000;
/** Writes under way or waiting; what is more is dropped: events are hints, and the log has them all. */
const MOST_PENDING = 100;
const WRITE_MS = 5_000;
const MOST_SERIES = 1_000;

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new SeriesRecorder(options);
}

/** An event that was told, and how often it has come. */
interface Series {
  readonly created: Promise<EventObject | undefined>;
  count: number;
  lastMs: number;
  lastObservedTime: string;
  /** Set while a count waits to be written. */
  timer: Disposable | undefined;
}

class SeriesRecorder implements EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  /** The one that came last is last. */
  readonly #series = new Map<string, Series>();
  readonly #pending = new Set<Promise<unknown>>();
  #isOver = false;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  record(event: ObjectEvent): void {
    if (this.#isOver) return;
    this.#forgetOld();
    const id = [event.regarding.metadata.uid, event.type, event.reason, event.action, event.note].join("\n");
    const series = this.#series.get(id) ?? this.#begin(event);
    this.#series.delete(id);
    this.#series.set(id, series);
    series.lastMs = this.#clock.nowMs();
    series.lastObservedTime = microTime();
    series.count += 1;
    if (series.count > 1) series.timer ??= this.#clock.after(COUNT_EVERY_MS, () => this.#writeCount(id, series));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    for (const [id, series] of this.#series) if (series.timer) this.#writeCount(id, series);
    await Promise.all(this.#pending);
  }

  #begin(event: ObjectEvent): Series {
    const object = this.#eventOf(event);
    const { client } = this.#options;
    const created = this.#write(() => client.create(EVENTS, object, { timeoutMs: WRITE_MS }));
    return { created, count: 0, lastMs: 0, lastObservedTime: "", timer: undefined };
  }

  #writeCount(id: string, series: Series): void {
    series.timer?.[Symbol.dispose]();
    series.timer = undefined;
    const { count, lastObservedTime } = series;
    const { client } = this.#options;
    void this.#write(async () => {
      const { metadata: { name = "", namespace } = {} } = (await series.created) ?? {};
      const patch = { series: { count, lastObservedTime } };
      return name === "" ? undefined : client.patch(EVENTS, name, namespace, patch, { timeoutMs: WRITE_MS });
    }).then((written) => {
      // One that was never written, or has gone since, is a new event when it comes again.
      if (!written) this.#series.delete(id);
    });
  }

  #eventOf({ regarding, type, reason, action, note }: ObjectEvent): EventObject {
    const { reportingController, reportingInstance } = this.#options;
    const { apiVersion, kind, metadata } = regarding;
    const { name = "", namespace, uid, resourceVersion } = metadata;
    return {
      apiVersion: EVENTS.apiVersion,
      kind: EVENTS.kind,
      metadata: { generateName: prefixOf(name), namespace: namespace ?? "default" },
      eventTime: microTime(),
      type,
      reason,
      action,
      note: cutToBytes(note, LONGEST_NOTE),
      reportingController,
      reportingInstance,
      regarding: { apiVersion, kind, name, namespace, uid, resourceVersion },
    };
  }

  #forgetOld(): void {
    const nowMs = this.#clock.nowMs();
    for (const [id, { lastMs, timer }] of this.#series) {
      if (nowMs - lastMs < SERIES_MS && this.#series.size < MOST_SERIES) return;
      if (timer) continue;
      this.#series.delete(id);
    }
  }

  /** Undefined where nothing was written. */
  async #write<Value>(call: () => Promise<Value>): Promise<Value | undefined> {
    if (this.#pending.size >= MOST_PENDING) return undefined;
    const written = call().catch((error: unknown) => {
      // An event is a hint: what it tells of goes on without it.
      this.#options.log.debug({ err: error }, "an event could not be written");
      return undefined;
    });
    this.#pending.add(written);
    const value = await written;
    this.#pending.delete(written);
    return value;
  }
}

/** Names of some kinds have characters that an Event's may not have. */
function prefixOf(name: string): string {
  const usable = name.toLowerCase().replace(/[^a-z0-9-]+/g, "-");
  return `${usable.slice(0, 200).replace(/^-+/, "") || "event"}-`;
}

function cutToBytes(text: string, bytes: number): string {
  const whole = Buffer.from(text);
  if (whole.length <= bytes) return text;
  // A character that was cut within is left out.
  return whole
    .subarray(0, bytes)
    .toString()
    .replace(/\uFFFD+$/, "");
}
