/** A holder that has written nothing for this long loses the pen to whoever writes next. */
const IDLE_MS = 10_000;

/** Who may write to a UART: one viewer at a time. */
export class Pen<Holder extends object> {
  readonly #onChange: (holder: Holder | undefined) => void;
  readonly #now: () => number;
  #holder: Holder | undefined;
  #lastUsed = 0;

  constructor(onChange: (holder: Holder | undefined) => void, now: () => number = () => performance.now()) {
    this.#onChange = onChange;
    this.#now = now;
  }

  get holder(): Holder | undefined {
    return this.#holder;
  }

  /** True when `viewer` may write now; a free or idle pen becomes its own. */
  use(viewer: Holder): boolean {
    const now = this.#now();
    if (this.#holder !== viewer && this.#holder !== undefined && now - this.#lastUsed < IDLE_MS) return false;
    this.#lastUsed = now;
    this.#give(viewer);
    return true;
  }

  /** Takes the pen from whoever holds it. */
  take(viewer: Holder): void {
    this.#lastUsed = this.#now();
    this.#give(viewer);
  }

  release(viewer: Holder): void {
    if (this.#holder === viewer) this.#give(undefined);
  }

  #give(holder: Holder | undefined): void {
    if (this.#holder === holder) return;
    this.#holder = holder;
    this.#onChange(holder);
  }
}
