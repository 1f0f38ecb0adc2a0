import { attemptIdOf } from "../../core/policy/attempt-id.ts";
import type { EarlierAttempt } from "../../core/policy/job-verdict.ts";
import type { JobSpec } from "../../core/schema/job.ts";
import type { AgentLink } from "./agent-link.ts";
import type { RunEntry } from "./run-entry.ts";

/**
 * - queued: on the running queue, or waiting for a slot
 * - handing: sent to an agent that has not answered yet
 * - running: on an agent, as far as is known
 * - ending: its end is being written
 */
export type JobPhase = "queued" | "handing" | "running" | "ending";

/** A job between its admission and its verdict. Only its current attempt can end it. */
export class JobAtHand {
  readonly jobId: string;
  readonly run: RunEntry;
  readonly spec: JobSpec;
  phase: JobPhase = "queued";
  /** Agent that the current attempt was handed to. */
  agent: AgentLink | undefined;
  /** Agent where the attempt before failed. */
  avoided: AgentLink | undefined;
  #attempt: number;
  #earlier: readonly EarlierAttempt[];
  #left = Promise.withResolvers<void>();

  constructor(
    job: { jobId: string; run: RunEntry; spec: JobSpec },
    attempt: number,
    earlier: readonly EarlierAttempt[],
  ) {
    this.jobId = job.jobId;
    this.run = job.run;
    this.spec = job.spec;
    this.#attempt = attempt;
    this.#earlier = earlier;
  }

  get attempt(): number {
    return this.#attempt;
  }

  get attemptId(): string {
    return attemptIdOf(this.jobId, this.#attempt);
  }

  get earlier(): readonly EarlierAttempt[] {
    return this.#earlier;
  }

  /** Why nobody wants it any more; undefined where it is still wanted. */
  get reasonToCancel(): string | undefined {
    return this.run.reasonToCancel(this.jobId);
  }

  /** Settles when the current attempt has left its slot, or never got one. */
  whenLeft(): Promise<void> {
    return this.#left.promise;
  }

  leave(): void {
    this.#left.resolve();
  }

  /** The attempt was found on an agent; it may be a later one than was known here. */
  attach(attempt: number, agent: AgentLink): void {
    this.#attempt = attempt;
    this.agent = agent;
    this.phase = "running";
  }

  /** The current attempt does not count. */
  beginNext(why: EarlierAttempt, avoided: AgentLink | undefined): void {
    this.#earlier = [...this.#earlier, why];
    this.#attempt += 1;
    this.#left = Promise.withResolvers();
    this.agent = undefined;
    this.avoided = avoided;
    this.phase = "queued";
  }
}
