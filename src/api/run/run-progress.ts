import { jobIdOf, parseJobId } from "../../core/policy/attempt-id.ts";
import type { RunTotals } from "../../core/schema/run.ts";
import { VERDICTS } from "../../core/verdict.ts";
import type { JobVerdict } from "../../core/wire/farm.ts";
import type { JobPlace } from "../queue/waiting-room.ts";
import type { RunHead, RunSummary } from "../store/store.ts";

const UNEXPECTED = 0x10;
const FLAKY = 0x20;
const SKIPPED = 0x40;

/** How a run stands: what its jobs ended as, a byte each, in the order in which it was learnt. */
export class RunProgress {
  readonly head: RunHead;
  /** Tells this order of finished jobs from that of another process, or of another time. */
  readonly orderId: string;
  isCancelled: boolean;
  /** By place in the run: 0 for a job without a verdict, else the verdict's number from 1 with the flags. */
  readonly #codes: Uint8Array;
  readonly #order: number[] = [];
  readonly #running = new Map<string, JobPlace>();
  readonly #verdicts = new Array<number>(VERDICTS.length).fill(0);
  #unexpected = 0;
  #flaky = 0;
  #skipped = 0;
  #finishedAt = "";

  constructor(head: RunHead, orderId: string, isCancelled: boolean) {
    this.head = head;
    this.orderId = orderId;
    this.isCancelled = isCancelled;
    this.#codes = new Uint8Array(head.jobCount);
  }

  get isFinished(): boolean {
    return this.#order.length === this.head.jobCount;
  }

  get finishedCount(): number {
    return this.#order.length;
  }

  /** Counts a verdict; false when the job's verdict was known. */
  note(verdict: JobVerdict): boolean {
    const { index } = parseJobId(verdict.jobId);
    if (index >= this.head.jobCount || this.#codes[index] !== 0) return false;
    const number = VERDICTS.indexOf(verdict.verdict);
    // A job whose board is not here is told as skipped; nobody expected anything of it.
    const isUnexpected = !verdict.isExpected && !verdict.isSkipped;
    this.#codes[index] =
      number + 1 + (isUnexpected ? UNEXPECTED : 0) + (verdict.isFlaky ? FLAKY : 0) + (verdict.isSkipped ? SKIPPED : 0);
    this.#order.push(index);
    this.#running.delete(verdict.jobId);
    this.#verdicts[number] = (this.#verdicts[number] ?? 0) + 1;
    this.#unexpected += isUnexpected ? 1 : 0;
    this.#flaky += verdict.isFlaky ? 1 : 0;
    this.#skipped += verdict.isSkipped ? 1 : 0;
    if (verdict.finishedAt > this.#finishedAt) this.#finishedAt = verdict.finishedAt;
    return true;
  }

  noteRunning(jobId: string, place: JobPlace): void {
    if (!this.hasVerdict(jobId)) this.#running.set(jobId, place);
  }

  hasVerdict(jobId: string): boolean {
    return this.#codes[parseJobId(jobId).index] !== 0;
  }

  placeOf(jobId: string): JobPlace | undefined {
    return this.#running.get(jobId);
  }

  running(): Iterable<[string, JobPlace]> {
    return this.#running;
  }

  /** Id of the job that finished as the `position`th, from 0. */
  finishedAt(position: number): string | undefined {
    const index = this.#order[position];
    return index === undefined ? undefined : jobIdOf(this.head.id, index);
  }

  unfinishedJobIds(): string[] {
    const ids: string[] = [];
    for (let index = 0; index < this.#codes.length; index += 1) {
      if (this.#codes[index] === 0) ids.push(jobIdOf(this.head.id, index));
    }
    return ids;
  }

  totals(): RunTotals {
    const running = this.#running.size;
    return {
      total: this.head.jobCount,
      waiting: this.head.jobCount - this.#order.length - running,
      running,
      verdicts: Object.fromEntries(
        VERDICTS.map((name, index) => [name, this.#verdicts[index] ?? 0]),
      ) as RunTotals["verdicts"],
      unexpected: this.#unexpected,
      flaky: this.#flaky,
      skipped: this.#skipped,
    };
  }

  /** What is stored once every job has its verdict. */
  summary(): RunSummary {
    return { finishedAt: this.#finishedAt, totals: this.totals() };
  }
}
