import type { Log } from "../log/log.ts";
import type { Clock } from "./clock.ts";
import type { KubeMetrics } from "./kube-metrics.ts";

/** When a key wants to be looked at again, though nothing changes. */
export interface ReconcileOutcome {
  readonly requeueAfterMs?: number;
}

export interface WorkQueueOptions {
  /** The controller's name, in metrics and logs. */
  readonly name: string;
  /**
   * Brings the world of one key in line. Never runs twice at once for a key. What it throws is logged, counted, and
   * tried again after a pause that grows with each failure in a row, or that the API server asked for.
   */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<ReconcileOutcome | undefined>;
  /** How many keys at once. */
  readonly workers: number;
  readonly log: Log;
  readonly metrics: KubeMetrics;
  readonly clock?: Clock;
  /** How long reconciles under way may go on after the end of the queue, before their signal aborts; default 10 s. */
  readonly graceMs?: number;
}

/**
 * Keys to be reconciled. Asking for a key any number of times before its turn makes one turn; asking during its turn
 * makes another after it.
 */
export interface WorkQueue extends AsyncDisposable {
  add(key: string): void;
  /** Adds the key after so long. Of several calls for a key that waits, the earliest counts. */
  addAfter(key: string, delayMs: number): void;
  /** Settles when no key waits for a worker or has one. Keys that are due later do not count. */
  drained(): Promise<void>;
}
