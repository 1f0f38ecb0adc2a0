import type { Log } from "../log/log.ts";
import { type Clock, systemClock } from "./clock.ts";
import { DelayedKeys } from "./delayed-keys.ts";
import { isConflict, KubeError } from "./kube-error.ts";
import type { KubeMetrics } from "./kube-metrics.ts";
import { QueueMetrics, type ReconcileResult } from "./queue-metrics.ts";

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
  /**
   * How long reconciles under way may go on after the end of the queue before their signal aborts, and after that
   * before the queue ends without them; default 10 s.
   */
  readonly graceMs?: number;
  /** Aborts: whatever is under way is told to stop at once, and nothing begins any more. */
  readonly signal?: AbortSignal;
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

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 1_000_000;
const DEFAULT_GRACE_MS = 10_000;

export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  return new KeyedWorkQueue(options);
}

/** A key that has a worker. */
interface Turn {
  readonly startedMs: number;
  readonly controller: AbortController;
  /** True where the key was asked for meanwhile. */
  isWanted: boolean;
}

class KeyedWorkQueue implements WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #clock: Clock;
  readonly #metrics: QueueMetrics;
  /** In order, with the moment each key began to wait. */
  readonly #waiting = new Map<string, number>();
  readonly #turns = new Map<string, Turn>();
  /** In a row, by key. */
  readonly #failures = new Map<string, number>();
  /** Asked for from outside. */
  readonly #later: DelayedKeys;
  /** What the last turn of a key wants; the next turn says it anew. */
  readonly #again: DelayedKeys;
  #isPumpDue = false;
  #isOver = false;
  #whenDrained = Promise.withResolvers<void>();
  readonly #stopTurns = () => this.#abortTurns(this.#options.signal?.reason);

  constructor(options: WorkQueueOptions) {
    const { clock = systemClock, name, workers, metrics } = options;
    if (!Number.isInteger(workers) || workers < 1)
      throw new RangeError(`the queue ${name} cannot have ${workers} workers`);
    this.#options = options;
    this.#clock = clock;
    this.#later = new DelayedKeys(clock, (key) => this.add(key));
    this.#again = new DelayedKeys(clock, (key) => this.add(key));
    this.#metrics = new QueueMetrics(metrics, name, workers, () =>
      [...this.#turns.values()].map(({ startedMs }) => clock.nowMs() - startedMs),
    );
    options.signal?.addEventListener("abort", this.#stopTurns, { once: true });
  }

  add(key: string): void {
    if (this.#isOver) return;
    const turn = this.#turns.get(key);
    if (turn ? turn.isWanted : this.#waiting.has(key)) return;
    this.#metrics.added();
    if (turn) turn.isWanted = true;
    else this.#wait(key);
  }

  addAfter(key: string, delayMs: number): void {
    if (!this.#isOver) this.#later.add(key, delayMs);
  }

  async drained(): Promise<void> {
    if (this.#waiting.size + this.#turns.size > 0) await this.#whenDrained.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    this.#later.clear();
    this.#again.clear();
    this.#waiting.clear();
    if (this.#turns.size === 0) this.#tellDrained();
    const { name, log, graceMs = DEFAULT_GRACE_MS } = this.#options;
    using _grace = this.#clock.after(graceMs, () => this.#abortTurns(new Error(`the queue ${name} ends`)));
    using _patience = this.#clock.after(2 * graceMs, () => {
      log.error({ controller: name, keys: [...this.#turns.keys()] }, "reconciles do not heed their signal");
      this.#tellDrained();
    });
    await this.drained();
    this.#options.signal?.removeEventListener("abort", this.#stopTurns);
    this.#metrics[Symbol.dispose]();
  }

  #abortTurns(reason: unknown): void {
    for (const { controller } of this.#turns.values()) controller.abort(reason);
  }

  #wait(key: string): void {
    this.#waiting.set(key, this.#clock.nowMs());
    this.#metrics.depth(this.#waiting.size);
    this.#pumpSoon();
  }

  /** Never within the caller, who may be in the middle of something; and I/O gets its turn between keys. */
  #pumpSoon(): void {
    if (this.#isPumpDue) return;
    this.#isPumpDue = true;
    setImmediate(() => {
      this.#isPumpDue = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#options.signal?.aborted) return;
    for (const [key, sinceMs] of this.#waiting) {
      if (this.#turns.size >= this.#options.workers) return;
      this.#waiting.delete(key);
      this.#metrics.depth(this.#waiting.size);
      this.#metrics.taken(this.#clock.nowMs() - sinceMs);
      void this.#work(key);
    }
  }

  async #work(key: string): Promise<void> {
    const turn: Turn = { startedMs: this.#clock.nowMs(), controller: new AbortController(), isWanted: false };
    this.#turns.set(key, turn);
    this.#again.cancel(key);
    this.#metrics.active(this.#turns.size);
    const result = await this.#reconcile(key, turn.controller.signal);
    this.#turns.delete(key);
    this.#metrics.active(this.#turns.size);
    this.#metrics.done(result, this.#clock.nowMs() - turn.startedMs);
    if (turn.isWanted && !this.#isOver) this.#wait(key);
    if (this.#waiting.size > 0) this.#pumpSoon();
    else if (this.#turns.size === 0) this.#tellDrained();
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    try {
      const { requeueAfterMs } = (await this.#options.reconcile(key, signal)) ?? {};
      if (requeueAfterMs !== undefined && !this.#isOver) this.#again.add(key, requeueAfterMs);
      this.#failures.delete(key);
      return requeueAfterMs === undefined ? "success" : "requeue_after";
    } catch (error) {
      // Whatever it was: one key's trouble must not touch the others.
      this.#retry(key, error);
      return "error";
    }
  }

  #retry(key: string, error: unknown): void {
    const { name, log } = this.#options;
    if (this.#isOver) {
      log.debug({ controller: name, key, err: error }, "reconcile failed as the queue ended");
      return;
    }
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const askedMs = error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0;
    const pauseMs = Math.max(askedMs, Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS));
    // Somebody else was quicker: the cache will say so in a moment.
    const level = isConflict(error) ? "debug" : "warn";
    log[level]({ controller: name, key, failures, pauseMs, err: error }, "reconcile failed");
    this.#metrics.retried();
    this.#again.add(key, pauseMs);
  }

  #tellDrained(): void {
    this.#whenDrained.resolve();
    this.#whenDrained = Promise.withResolvers();
  }
}
