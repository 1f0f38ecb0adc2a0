import { createDispatchMetrics } from "./dispatch-metrics.ts";
import { type DispatchSession, startSession } from "./dispatch-session.ts";
import type { DispatcherOptions } from "./dispatcher-options.ts";

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
