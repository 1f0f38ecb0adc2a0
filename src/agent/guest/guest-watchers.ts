import type { GuestEvents } from "./guest.ts";

type Told = Omit<Required<GuestEvents>, "onStartWaits">;

/** Tells what happens to a guest: its owner first, then whoever else looks on. */
export class GuestWatchers {
  readonly #all: Set<GuestEvents>;

  constructor(owner: GuestEvents) {
    this.#all = new Set([owner]);
  }

  /** Returns how to stop. */
  watch(events: GuestEvents): () => void {
    this.#all.add(events);
    return () => this.#all.delete(events);
  }

  readonly tell: Told = {
    onStarting: () => this.#each((one) => one.onStarting?.()),
    onStarted: () => this.#each((one) => one.onStarted?.()),
    onRunning: () => this.#each((one) => one.onRunning?.()),
    onStartFailed: (error) => this.#each((one) => one.onStartFailed?.(error)),
    onExited: (exit) => this.#each((one) => one.onExited?.(exit)),
    onPaused: () => this.#each((one) => one.onPaused?.()),
    onResumed: () => this.#each((one) => one.onResumed?.()),
  };

  #each(tell: (one: GuestEvents) => void): void {
    for (const one of this.#all) tell(one);
  }
}
