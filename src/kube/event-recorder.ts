import type { Log } from "../log/log.ts";
import type { Clock } from "./clock.ts";
import type { KubeClient } from "./kube-client.ts";
import type { KubeObject } from "./kube-object.ts";

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
