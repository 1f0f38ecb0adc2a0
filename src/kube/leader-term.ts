import type { Clock } from "./clock.ts";

/**
 * The time in which a process leads for sure: until so long after it sent the last renewal that came through, by its
 * own monotonic clock. Others wait longer, counted from when they saw that renewal.
 */
export class LeaderTerm implements Disposable {
  readonly #clock: Clock;
  readonly #renewMs: number;
  readonly #ending = new AbortController();
  readonly #losing = new AbortController();
  #renewedMs: number;
  #deadline: Disposable | undefined;

  constructor(clock: Clock, renewMs: number, renewedMs: number) {
    this.#clock = clock;
    this.#renewMs = renewMs;
    this.#renewedMs = renewedMs;
    this.#watchDeadline();
  }

  /** Aborts when the leader shall stop: it was asked to, or the term is over. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** Aborts when the term is over: nothing may be done any more. */
  get over(): AbortSignal {
    return this.#losing.signal;
  }

  renewed(sentMs: number): void {
    this.#renewedMs = sentMs;
  }

  /** Holds the term against the clock: a timer may be late, above all in a process that was frozen. */
  assertHeld(): void {
    if (this.#leftMs() <= 0) this.lose("the lease could not be renewed in time");
    this.over.throwIfAborted();
  }

  /** The leader shall come to an end, for which the term goes on. */
  end(): void {
    this.#ending.abort(new Error("the leader shall end"));
  }

  lose(message: string): void {
    this.#deadline?.[Symbol.dispose]();
    const reason = new Error(message);
    this.#losing.abort(reason);
    this.#ending.abort(reason);
  }

  [Symbol.dispose](): void {
    this.lose("the term is over");
  }

  #leftMs(): number {
    return this.#renewedMs + this.#renewMs - this.#clock.nowMs();
  }

  #watchDeadline(): void {
    const leftMs = this.#leftMs();
    if (leftMs <= 0) this.lose("the lease could not be renewed in time");
    else this.#deadline = this.#clock.after(leftMs, () => this.#watchDeadline());
  }
}
