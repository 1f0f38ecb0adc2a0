const FIRST_DELAY_MS = 1_000;
const LAST_DELAY_MS = 60_000;
/** A guest that ran this long has proven itself: its next end counts as the first. */
const PROVEN_MS = 60_000;

/** When a guest that ended is started again: later each time, by the monotonic clock. */
export class RestartBackOff {
  #timer: NodeJS.Timeout | undefined;
  #delayMs = FIRST_DELAY_MS;
  #startedAt = 0;
  #isDue = false;

  get isDue(): boolean {
    return this.#isDue;
  }

  started(): void {
    this.cancel();
    this.#startedAt = performance.now();
  }

  /** Calls back when the next restart is due; once, however often it is asked for. */
  schedule(onDue: () => void): void {
    if (this.#timer || this.#isDue) return;
    if (performance.now() - this.#startedAt > PROVEN_MS) this.#delayMs = FIRST_DELAY_MS;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#isDue = true;
      onDue();
    }, this.#delayMs);
    this.#delayMs = Math.min(this.#delayMs * 2, LAST_DELAY_MS);
  }

  /** Forgets how often it failed: something new is wanted. */
  reset(): void {
    this.cancel();
    this.#delayMs = FIRST_DELAY_MS;
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isDue = false;
  }
}
