import { attemptIdOf } from "./attempt-id.ts";

/** What the dispatcher knows of a job that has no verdict yet, or had one when it looked. */
export interface ObservedJob {
  readonly jobId: string;
  /** Number of the current attempt: only that one can give the verdict. */
  readonly attempt: number;
  /** Agent that the current attempt was handed to; undefined while it was not, or nobody remembers. */
  readonly agent?: string | undefined;
  readonly hasVerdict: boolean;
  readonly isCancelled: boolean;
  /** True when the dispatcher has the job at hand, or it is known to wait. */
  readonly isAtHand: boolean;
}

/** An attempt that an agent has told of. */
export interface ObservedAttempt {
  readonly agent: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly isFinished: boolean;
}

export interface Observation {
  /** Agents that have just told everything they have. */
  readonly agents: ReadonlySet<string>;
  /** Everything they have that is an attempt at a job of a run. */
  readonly attempts: readonly ObservedAttempt[];
  /** The jobs in question: those of the attempts, and those that the plan shall take care of. */
  readonly jobs: readonly ObservedJob[];
}

export type DispatchAction =
  /** The attempt runs there: wait for its end. */
  | { readonly type: "attach"; readonly jobId: string; readonly attempt: number; readonly agent: string }
  /** The attempt has finished there: its result is the job's. */
  | { readonly type: "adopt"; readonly jobId: string; readonly attempt: number; readonly agent: string }
  /** Nobody wants the attempt any more. */
  | { readonly type: "cancel"; readonly attemptId: string; readonly agent: string }
  /** The agent may forget the attempt. */
  | { readonly type: "acknowledge"; readonly attemptId: string; readonly agent: string }
  /** The attempt was handed to this agent, which does not have it. */
  | { readonly type: "lost"; readonly jobId: string; readonly agent: string }
  /** Cancelled before any attempt ran. */
  | { readonly type: "writeCancelled"; readonly jobId: string }
  /** Nobody has the job: back into the waiting room. */
  | { readonly type: "requeue"; readonly jobId: string };

/**
 * What to do, from what is seen; the same for a start, for an agent that came back, and for a Redis that was emptied.
 * An attempt whose job is not among `jobs` belongs to a run that the store no longer has.
 */
export function planDispatch(observation: Observation): DispatchAction[] {
  const found = Map.groupBy(observation.attempts, (attempt) => attempt.jobId);
  const actions: DispatchAction[] = [];
  for (const job of observation.jobs) {
    actions.push(...planJob(job, found.get(job.jobId) ?? [], observation.agents));
    found.delete(job.jobId);
  }
  for (const orphans of found.values()) actions.push(...orphans.map(dismissal));
  return actions;
}

function planJob(
  job: ObservedJob,
  attempts: readonly ObservedAttempt[],
  agents: ReadonlySet<string>,
): DispatchAction[] {
  const current = job.hasVerdict ? undefined : currentOf(job, attempts);
  const actions = attempts.filter((attempt) => attempt !== current).map(dismissal);
  if (job.hasVerdict) return actions;
  if (current) {
    const { jobId, attempt, agent } = current;
    actions.push({ type: current.isFinished ? "adopt" : "attach", jobId, attempt, agent });
    if (job.isCancelled && !current.isFinished) {
      actions.push({ type: "cancel", attemptId: attemptIdOf(jobId, attempt), agent });
    }
    return actions;
  }
  if (job.agent !== undefined) {
    if (agents.has(job.agent)) actions.push({ type: "lost", jobId: job.jobId, agent: job.agent });
    return actions;
  }
  if (job.isCancelled) actions.push({ type: "writeCancelled", jobId: job.jobId });
  else if (!job.isAtHand) actions.push({ type: "requeue", jobId: job.jobId });
  return actions;
}

/**
 * The attempt that counts: the latest, not older than what the record says, and where the record says it is.
 * Of twins, which only a forgotten hand-out can make, the finished one.
 */
function currentOf(job: ObservedJob, attempts: readonly ObservedAttempt[]): ObservedAttempt | undefined {
  return attempts
    .filter(
      ({ attempt, agent }) =>
        attempt > job.attempt || (attempt === job.attempt && (job.agent === undefined || job.agent === agent)),
    )
    .toSorted((one, other) => other.attempt - one.attempt || Number(other.isFinished) - Number(one.isFinished))[0];
}

function dismissal({ jobId, attempt, agent, isFinished }: ObservedAttempt): DispatchAction {
  return { type: isFinished ? "acknowledge" : "cancel", attemptId: attemptIdOf(jobId, attempt), agent };
}

export interface Capacity {
  /** Free slots of all agents. */
  readonly freeSlots: number;
  /** Slots of all agents that take work. */
  readonly slots: number;
  /** Attempts that are admitted and wait for a slot. */
  readonly queued: number;
}

/**
 * How many jobs to admit: free slots and a short prefetch, so that a slot that comes free finds its next job at once.
 * None until half of the prefetch is used up, so that a busy farm admits several at a time.
 */
export function admissionCount({ freeSlots, slots, queued }: Capacity): number {
  const prefetch = Math.ceil(slots / 2);
  const isLow = queued < freeSlots + Math.ceil(prefetch / 2);
  return isLow ? freeSlots + prefetch - queued : 0;
}
