import type { BoardSpec } from "../../core/schema/board.ts";
import { formatDuration } from "../../core/schema/duration.ts";
import { readyInWords } from "../boot/ready-watch.ts";

/** What an attempt has seen of its ready pattern, and whether its start waits for it: words for a timeout. */
export class ReadyWait {
  readonly #ready: BoardSpec["ready"];
  readonly #nowMs: () => number;
  #begunMs = 0;
  #isComing = false;
  #startWaitsFor: string | undefined;

  constructor(ready: BoardSpec["ready"], nowMs: () => number) {
    this.#ready = ready;
    this.#nowMs = nowMs;
  }

  /** The guest's start waits for this of a guest; undefined: it goes on. */
  setStart(waitsFor: string | undefined): void {
    this.#begunMs = this.#nowMs();
    this.#startWaitsFor = waitsFor;
  }

  /** The guest runs, and the pattern may come. */
  begin(): void {
    this.#begunMs = this.#nowMs();
    this.#isComing = true;
  }

  end(): void {
    this.#isComing = false;
  }

  /** What the start waits for, and for how long it has. */
  describeStart(): string {
    if (this.#startWaitsFor === undefined) return "the emulator's start";
    return `${this.#startWaitsFor}, for ${this.#elapsed()}`;
  }

  /** What is to be added about a pattern that has not come from a guest that runs; else nothing. */
  describeMissing(): string {
    if (!this.#ready || !this.#isComing) return "";
    return `; ${readyInWords(this.#ready)} had not come in ${this.#elapsed()}`;
  }

  #elapsed(): string {
    return formatDuration(this.#nowMs() - this.#begunMs);
  }
}
