/** Who uses the channels of an instance: an instance that nobody uses any more may be given an end. */
export class InstanceUsage {
  readonly #onChanged: () => void;
  readonly #clock: () => number;
  #users = 0;
  #lastUsedMs: number;

  /**
   * @param onChanged told when the first user comes and when the last one goes
   * @param clock the wall clock: the time is for others
   */
  constructor(onChanged: () => void, clock: () => number = Date.now) {
    this.#onChanged = onChanged;
    this.#clock = clock;
    this.#lastUsedMs = clock();
  }

  get isInUse(): boolean {
    return this.#users > 0;
  }

  /** When the last user went, or began; before the first one, since when there is something to use. */
  get lastUsedAt(): string {
    return new Date(this.#lastUsedMs).toISOString();
  }

  /** Somebody uses a channel, until the result is disposed of. */
  use(): Disposable {
    this.#count(1);
    let isOver = false;
    return {
      [Symbol.dispose]: () => {
        if (!isOver) this.#count(-1);
        isOver = true;
      },
    };
  }

  #count(change: 1 | -1): void {
    const wasInUse = this.isInUse;
    this.#users += change;
    if (wasInUse === this.isInUse) return;
    this.#lastUsedMs = this.#clock();
    this.#onChanged();
  }
}
