import type { Registry } from "prom-client";
import type { AgentClient } from "../../client/agent-client.ts";
import type { Log } from "../../log/log.ts";
import type { BoardAvailability } from "../board/board-availability.ts";
import type { DispatcherQueue } from "../queue/farm-queue.ts";
import type { Store } from "../store/store.ts";
import { createDispatchMetrics } from "./dispatch-metrics.ts";
import { type DispatchSession, startSession } from "./dispatch-session.ts";

export interface DispatcherOptions {
  readonly pool: string;
  readonly store: Store;
  readonly queue: DispatcherQueue;
  readonly agents: readonly AgentClient[];
  readonly boards: BoardAvailability;
  /** Signed URL by which agents fetch a file of the store; good for the life of an attempt. */
  readonly blobUrl: (sha256: string) => string;
  readonly log: Log;
  readonly metrics: Registry;
  readonly timings?: {
    /** How long an agent may be away before its attempts are tried elsewhere. Default 10 s. */
    readonly lossMs?: number;
    /** How often the store is looked at for what no signal has told. Default 60 s. */
    readonly resyncMs?: number;
    /** Life of the lease without renewal. Default 10 s. */
    readonly leaseMs?: number;
  };
}

export interface Dispatcher extends AsyncDisposable {
  /** True while this dispatcher hands out work. */
  readonly isActive: boolean;
  /** Settles with the dispatcher's end: after disposal, or by a failure that a restart has to heal. */
  readonly ended: Promise<void>;
}

/**
 * Dispatches a pool's jobs for as long as it has the lease, and stands by otherwise. Agents go on without a
 * dispatcher; whoever is next takes up what they have.
 */
export function startDispatcher(options: DispatcherOptions): Dispatcher {
  const closing = new AbortController();
  const metrics = createDispatchMetrics(options.metrics, options.pool, options.queue);
  let isActive = false;

  async function serveTerm(): Promise<void> {
    const { promise: over, resolve: endTerm } = Promise.withResolvers<void>();
    let session: DispatchSession | undefined;
    await using lease = options.queue.openLease(
      { onLost: endTerm, onEmptied: () => void session?.fill() },
      options.timings?.leaseMs,
    );
    closing.signal.addEventListener("abort", () => endTerm(), { once: true });
    await lease.acquire(closing.signal);
    const epoch = await options.store.nextEpoch(options.pool);
    options.log.info({ pool: options.pool, epoch }, "dispatching");
    await using present = await startSession(options, { lease, epoch, metrics, onSucceeded: endTerm });
    session = present;
    metrics.epoch.set(epoch);
    isActive = true;
    await over;
    isActive = false;
    metrics.epoch.set(0);
    options.log.info({ pool: options.pool, epoch }, "no longer dispatching");
  }

  async function serve(): Promise<void> {
    try {
      while (!closing.signal.aborted) await serveTerm();
    } catch (error) {
      if (!closing.signal.aborted) throw error;
      // The end interrupted a wait.
    }
  }

  const ended = serve();
  ended.catch(() => {});
  return {
    get isActive() {
      return isActive;
    },
    ended,
    async [Symbol.asyncDispose]() {
      closing.abort();
      await ended.catch(() => {});
    },
  };
}
