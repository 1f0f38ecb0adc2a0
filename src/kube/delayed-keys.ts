import type { Clock } from "./clock.ts";

/** Keys that are due later, each once: of several moments for a key the earliest counts. */
export class DelayedKeys {
  readonly #clock: Clock;
  readonly #onDue: (key: string) => void;
  readonly #timers = new Map<string, { readonly dueMs: number; readonly timer: Disposable }>();

  constructor(clock: Clock, onDue: (key: string) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** @throws RangeError for what is no time */
  add(key: string, delayMs: number): void {
    if (!Number.isFinite(delayMs)) throw new RangeError(`${key} cannot be due in ${delayMs} ms`);
    const dueMs = this.#clock.nowMs() + Math.max(0, delayMs);
    const earlier = this.#timers.get(key);
    if (earlier && earlier.dueMs <= dueMs) return;
    earlier?.timer[Symbol.dispose]();
    const timer = this.#clock.after(Math.max(0, delayMs), () => {
      this.#timers.delete(key);
      this.#onDue(key);
    });
    this.#timers.set(key, { dueMs, timer });
  }

  cancel(key: string): void {
    this.#timers.get(key)?.timer[Symbol.dispose]();
    this.#timers.delete(key);
  }

  clear(): void {
    for (const key of [...this.#timers.keys()]) this.cancel(key);
  }
}
