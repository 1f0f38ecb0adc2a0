import { setTimeout } from "node:timers/promises";

/** Pauses between tries at something that fails: each twice as long as the one before, up to a longest. */
export class BackOff {
  readonly #firstMs: number;
  readonly #longestMs: number;
  #nextMs: number;

  constructor({ firstMs, longestMs }: { readonly firstMs: number; readonly longestMs: number }) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
    this.#nextMs = firstMs;
  }

  /** It went well: the next failure is a first one. */
  reset(): void {
    this.#nextMs = this.#firstMs;
  }

  /** Settles when it is time for the next try. @throws the signal's reason */
  async pause(signal?: AbortSignal): Promise<void> {
    const ms = this.#nextMs;
    this.#nextMs = Math.min(ms * 2, this.#longestMs);
    signal?.throwIfAborted();
    await setTimeout(ms, undefined, signal ? { signal } : {});
  }
}
