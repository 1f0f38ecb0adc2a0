/** Time that only goes forward, and what happens when some has passed. */
export interface Clock {
  /** Milliseconds since some moment; a clock that people set does not change it. */
  nowMs(): number;
  /** Runs the action once, after so long, unless it is called off. */
  after(delayMs: number, action: () => void): Disposable;
}

/** Node fires longer timers at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's monotonic clock. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  after(delayMs, action) {
    const dueMs = performance.now() + delayMs;
    let timer: NodeJS.Timeout;
    const arm = () => {
      const leftMs = dueMs - performance.now();
      timer = leftMs > LONGEST_TIMER_MS ? setTimeout(arm, LONGEST_TIMER_MS) : setTimeout(action, Math.max(0, leftMs));
    };
    arm();
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

/** Settles after so long, or as soon as the signal aborts. */
export async function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  using _timer = clock.after(delayMs, resolve);
  const onAbort = () => resolve();
  signal.addEventListener("abort", onAbort);
  await promise;
  signal.removeEventListener("abort", onAbort);
}
