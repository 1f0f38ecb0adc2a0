import { FarmError } from "../core/error/farm-error.ts";

/**
 * One object through every long operation: its abort signal, which carries the reason, and its deadline.
 * Steps of a boot or a scenario make children of it, so that ending the parent ends them all.
 */
export class Progress implements Disposable {
  readonly #controller = new AbortController();
  readonly #unlink: () => void;
  #timer: NodeJS.Timeout | undefined;
  #remainingMs: number | undefined;
  #resumedAt = 0;
  #timeoutError: (() => FarmError) | undefined;

  constructor(parent?: Progress | AbortSignal) {
    const signal = parent instanceof Progress ? parent.signal : parent;
    const abort = () => this.abort(signal?.reason);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
    this.#unlink = () => signal?.removeEventListener("abort", abort);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Aborts with `error()` once `ms` milliseconds of wall time have passed, pauses not counted. */
  setDeadline(ms: number, error: () => FarmError): void {
    this.#timeoutError = error;
    this.#remainingMs = ms;
    this.resumeClock();
  }

  /** Stops the deadline's clock, while a pause or a debugger holds the CPU. */
  pauseClock(): void {
    if (this.#remainingMs === undefined || this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#remainingMs -= performance.now() - this.#resumedAt;
  }

  resumeClock(): void {
    if (this.#remainingMs === undefined || this.#timer !== undefined || this.signal.aborted) return;
    this.#resumedAt = performance.now();
    this.#timer = setTimeout(() => this.abort(this.#timeoutError?.()), Math.max(0, this.#remainingMs));
  }

  abort(reason: unknown): void {
    if (this.signal.aborted) return;
    this.#controller.abort(reason ?? new FarmError("Cancelled", { reason: "no longer wanted" }));
    clearTimeout(this.#timer);
  }

  /** Settles as `promise` does, or rejects with the abort's reason, whichever comes first. */
  async race<Value>(promise: Promise<Value>): Promise<Value> {
    // Where the abort comes first, nobody looks at it any more.
    promise.catch(() => {});
    this.signal.throwIfAborted();
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const onAbort = () => reject(this.signal.reason);
    this.signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([promise, aborted]);
    } finally {
      this.signal.removeEventListener("abort", onAbort);
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#unlink();
  }
}
