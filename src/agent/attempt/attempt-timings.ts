import type { AttemptResult } from "../../core/wire/attempt.ts";

type Mark = Exclude<keyof AttemptResult["timings"], "totalMs">;

/** When an attempt got how far, by the monotonic clock: a clock that is set changes nothing. */
export class AttemptTimings {
  readonly #startedAt = performance.now();
  readonly #marks: Partial<Record<Mark, number>> = {};

  /** Milliseconds since the agent took the attempt. */
  nowMs(): number {
    return rounded(performance.now() - this.#startedAt);
  }

  /** The first time counts. */
  mark(name: Mark): void {
    this.#marks[name] ??= this.nowMs();
  }

  get marks(): Readonly<Partial<Record<Mark, number>>> {
    return this.#marks;
  }
}

function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
