import type { AttemptResult } from "../../core/wire/attempt.ts";
import type { SpooledAttempt } from "./spool.ts";

export interface KeptResult extends SpooledAttempt {
  readonly result: AttemptResult;
}

interface Entry {
  readonly kept: KeptResult;
  readonly timer: NodeJS.Timeout;
  /** By `performance.now()`. */
  readonly leasedUntil: number;
}

/** What nobody has acknowledged in a day, nobody waits for. */
const MAX_AGE_MS = 24 * 60 * 60 * 1_000;
/** A dispatcher that is away must not cost more memory than this many results. */
const MAX_KEPT = 1_000;
const DEFAULT_LEASE_MS = 60_000;

/**
 * Results until they are acknowledged, the oldest first. They go after a day (by the monotonic clock, so that a clock
 * that is set does nothing), or, where there are too many, once their lease has run out.
 */
export class KeptResults {
  readonly #entries = new Map<string, Entry>();
  readonly #onDropped: (ids: readonly string[]) => Promise<void>;

  constructor(onDropped: (ids: readonly string[]) => Promise<void>) {
    this.#onDropped = onDropped;
  }

  get ids(): string[] {
    return [...this.#entries.keys()];
  }

  get(id: string): KeptResult | undefined {
    return this.#entries.get(id)?.kept;
  }

  add(kept: KeptResult, leaseMs = DEFAULT_LEASE_MS): void {
    const timer = setTimeout(() => this.#drop([kept.id]), MAX_AGE_MS).unref();
    this.#entries.set(kept.id, { kept, timer, leasedUntil: performance.now() + leaseMs });
    if (this.#entries.size > MAX_KEPT) this.#drop(this.#excess());
  }

  /** Says whether it was there. */
  delete(id: string): boolean {
    clearTimeout(this.#entries.get(id)?.timer);
    return this.#entries.delete(id);
  }

  #excess(): string[] {
    const now = performance.now();
    const expired = [...this.#entries].filter(([, { leasedUntil }]) => leasedUntil < now).map(([id]) => id);
    return expired.slice(0, this.#entries.size - MAX_KEPT);
  }

  #drop(ids: readonly string[]): void {
    void this.#onDropped(ids.filter((id) => this.delete(id)));
  }
}
