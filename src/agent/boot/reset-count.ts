const NOTICE_INTERVAL_MS = 250;

/** Counts a guest's resets, however fast they come, and tells of them a few times a second. */
export class ResetCount implements Disposable {
  readonly #tell: (resets: number) => void;
  #count = 0;
  #told = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(tell: (resets: number) => void) {
    this.#tell = tell;
  }

  get count(): number {
    return this.#count;
  }

  add(): void {
    this.#count++;
    if (this.#timer === undefined) this.#notice();
  }

  /** Tells what was not told yet. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    if (this.#told !== this.#count) this.#tell(this.#count);
    this.#told = this.#count;
  }

  #notice(): void {
    this.#timer = undefined;
    if (this.#told === this.#count) return;
    this.#told = this.#count;
    this.#tell(this.#count);
    this.#timer = setTimeout(() => this.#notice(), NOTICE_INTERVAL_MS);
  }
}
