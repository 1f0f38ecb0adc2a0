import type { GuestEvents } from "../guest/guest.ts";

/** What the guest of an instance was last seen to be. */
export class GuestSight {
  readonly #onChanged: () => void;
  #isRunning = false;
  #isReady = false;
  #isPaused = false;

  constructor(onChanged: () => void) {
    this.#onChanged = onChanged;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** What a board tells of its guest. */
  get events(): Required<Pick<GuestEvents, "onRunning" | "onPaused" | "onResumed">> & { onReady(): void } {
    const seen = (note: () => void) => () => {
      note();
      this.#onChanged();
    };
    return {
      onRunning: seen(() => {
        this.#isRunning = true;
      }),
      onReady: seen(() => {
        this.#isReady = true;
      }),
      onPaused: seen(() => {
        this.#isPaused = true;
      }),
      onResumed: seen(() => {
        this.#isPaused = false;
      }),
    };
  }

  /** A boot is about to begin. */
  starting(isPaused: boolean): void {
    this.ended();
    this.#isPaused = isPaused;
  }

  ended(): void {
    this.#isRunning = false;
    this.#isReady = false;
  }
}
