/** A CPU that a debugger lets run for so long runs; before that, it may be one of a thousand steps. */
const SETTLED_MS = 50;

/** Tells whether the CPU stands, once for each change. A debugger's steps are no news: it stands all the while. */
export class PauseNews {
  readonly #tell: (isPaused: boolean) => void;
  #told: boolean | undefined;
  #debuggers = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(tell: (isPaused: boolean) => void) {
    this.#tell = tell;
  }

  set(isPaused: boolean): void {
    clearTimeout(this.#timer);
    if (isPaused || this.#debuggers === 0) this.#say(isPaused);
    else this.#timer = setTimeout(() => this.#say(false), SETTLED_MS);
  }

  /** Returns how to tell that the debugger has gone. */
  beginDebugging(): () => void {
    this.#debuggers += 1;
    return () => {
      this.#debuggers -= 1;
    };
  }

  /** A boot begins, or is over: nothing stands any more. */
  reset(): void {
    clearTimeout(this.#timer);
    if (this.#told === true) this.#say(false);
    this.#told = undefined;
  }

  #say(isPaused: boolean): void {
    if (this.#told === isPaused) return;
    this.#told = isPaused;
    this.#tell(isPaused);
  }
}
