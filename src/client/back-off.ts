export interface Pauses {
  readonly firstMs: number;
  readonly longestMs: number;
  /** So many tries before anything has gone well are each this long apart, for what is about to be there. */
  readonly eager?: { readonly everyMs: number; readonly tries: number } | undefined;
}

/** Pauses between tries at something that fails: each twice as long as the one before, up to a longest. */
export class BackOff {
  readonly #pauses: Pauses;
  #eagerTries: number;
  #nextMs: number;
  #end = () => {};

  constructor(pauses: Pauses) {
    this.#pauses = pauses;
    this.#eagerTries = pauses.eager?.tries ?? 0;
    this.#nextMs = pauses.firstMs;
  }

  /** It went well: the next failure is a first one. */
  reset(): void {
    this.#eagerTries = 0;
    this.#nextMs = this.#pauses.firstMs;
  }

  /** There is a reason to try now: a pause that is under way ends, and those after it begin with the first. */
  hurry(): void {
    this.#nextMs = this.#pauses.firstMs;
    this.#end();
  }

  /** Settles when it is time for the next try. @throws the signal's reason */
  async pause(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#take());
    const abort = () => reject(signal?.reason as Error);
    signal?.addEventListener("abort", abort, { once: true });
    this.#end = resolve;
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }

  #take(): number {
    const { eager, longestMs } = this.#pauses;
    if (eager && this.#eagerTries > 0) {
      this.#eagerTries -= 1;
      return eager.everyMs;
    }
    const ms = this.#nextMs;
    this.#nextMs = Math.min(ms * 2, longestMs);
    return ms;
  }
}
