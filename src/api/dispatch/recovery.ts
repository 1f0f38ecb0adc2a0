import { FarmError } from "../../core/error/farm-error.ts";
import { parseAttemptId, parseJobId } from "../../core/policy/attempt-id.ts";
import {
  type DispatchAction,
  type ObservedAttempt,
  type ObservedJob,
  planDispatch,
} from "../../core/policy/dispatch-plan.ts";
import type { AttemptStatus } from "../../core/wire/attempt.ts";
import type { Log } from "../../log/log.ts";
import type { DispatcherQueue } from "../queue/farm-queue.ts";
import type { RunningQueue } from "../queue/running-queue.ts";
import type { WaitingJob } from "../queue/waiting-room.ts";
import type { Store } from "../store/store.ts";
import type { AgentLink } from "./agent-link.ts";
import type { JobAtHand } from "./job-at-hand.ts";
import type { JobBook } from "./job-book.ts";
import { cancelledEnd, type JobEnding } from "./job-ending.ts";
import type { RunEntry } from "./run-entry.ts";

export interface Recovery {
  /** Takes up what an agent has: everything, or news of attempts that were not at hand. */
  takeUp(link: AgentLink, attempts: readonly AttemptStatus[], isEverything: boolean): Promise<void>;
  /** The agent stays away: its attempts are tried elsewhere. */
  giveUp(link: AgentLink): void;
  /** Puts every unfinished job that nobody has into the waiting room, and brings Redis' notes up to date. */
  fill(): Promise<void>;
  /** Whether the store has unfinished jobs that neither wait nor are at hand. */
  isBehind(): Promise<boolean>;
}

export interface RecoveryDependencies {
  readonly pool: string;
  readonly store: Store;
  readonly queue: Pick<DispatcherQueue, "waitingRoom" | "records"> & { readonly running: RunningQueue };
  readonly book: JobBook;
  readonly ending: JobEnding;
  readonly events: { onRunning(job: JobAtHand): void };
  readonly log: Log;
}

export function createRecovery(dependencies: RecoveryDependencies): Recovery {
  const { pool, store, queue, book, ending, events, log } = dependencies;

  function observe(jobId: string, run: RunEntry): ObservedJob {
    const job = book.find(jobId);
    return {
      jobId,
      attempt: job?.attempt ?? book.retriedOf(jobId).attempt,
      // A request that is under way tells by its own answer whether the agent has the attempt.
      agent: job?.phase === "running" ? job.agent?.address : undefined,
      hasVerdict: run.isFinished(jobId) || job?.phase === "ending",
      isCancelled: run.isCancelled(jobId),
      isAtHand: job !== undefined,
    };
  }

  async function observeJobs(jobIds: Iterable<string>): Promise<ObservedJob[]> {
    const observed: ObservedJob[] = [];
    for (const jobId of new Set(jobIds)) {
      const run = await book.run(parseJobId(jobId).runId);
      if (run) observed.push(observe(jobId, run));
    }
    return observed;
  }

  async function takeUp(link: AgentLink, statuses: readonly AttemptStatus[], isEverything: boolean): Promise<void> {
    const attempts: ObservedAttempt[] = [];
    const results = new Map(statuses.map((status) => [status.id, status.result]));
    for (const { id, state } of statuses) {
      const parsed = parseAttemptId(id);
      // Not an attempt at a job of a run: somebody else's business.
      if (parsed) attempts.push({ ...parsed, agent: link.address, isFinished: state === "finished" });
    }
    const here = isEverything ? book.jobsAtHand.filter((job) => job.agent === link).map((job) => job.jobId) : [];
    const jobs = await observeJobs([...attempts.map((attempt) => attempt.jobId), ...here]);
    const agents = new Set(isEverything ? [link.address] : []);
    for (const action of planDispatch({ agents, attempts, jobs })) await act(action, link, results);
  }

  async function act(
    action: DispatchAction,
    link: AgentLink,
    results: ReadonlyMap<string, AttemptStatus["result"]>,
  ): Promise<void> {
    switch (action.type) {
      case "attach":
      case "adopt": {
        const run = await book.run(parseJobId(action.jobId).runId);
        if (!run) return;
        const job = book.take(action.jobId, run);
        const wasRunning = job.phase === "running" && job.attempt === action.attempt;
        if (job.phase === "ending") return;
        job.attach(action.attempt, link);
        if (!wasRunning) events.onRunning(job);
        const result = results.get(job.attemptId);
        if (action.type === "adopt" && result) void ending.end(job, { ...result, result });
        return;
      }
      case "cancel":
        return link.cancel(action.attemptId, await reasonToCancel(action.attemptId));
      case "acknowledge":
        return link.acknowledge(action.attemptId);
      case "lost": {
        const job = book.find(action.jobId);
        if (job?.phase === "running" && job.agent === link) void ending.fail(job, lostAt(link, "it restarted"));
        return;
      }
      case "writeCancelled":
        return await endCancelled(action.jobId);
      case "requeue":
        return await submit([action.jobId]);
    }
  }

  async function reasonToCancel(attemptId: string): Promise<string> {
    const jobId = parseAttemptId(attemptId)?.jobId;
    const run = jobId === undefined ? undefined : await book.run(parseJobId(jobId).runId);
    return (jobId && run?.reasonToCancel(jobId)) ?? "nobody wants this attempt any more";
  }

  async function endCancelled(jobId: string): Promise<void> {
    const run = await book.run(parseJobId(jobId).runId);
    if (!run || run.isFinished(jobId)) return;
    const job = book.take(jobId, run);
    if (job.phase === "queued" && job.reasonToCancel !== undefined) {
      await ending.end(job, cancelledEnd(job.reasonToCancel));
    }
  }

  async function submit(jobIds: readonly string[]): Promise<void> {
    const jobs: WaitingJob[] = [];
    for (const jobId of jobIds) {
      const run = await book.run(parseJobId(jobId).runId);
      const priority = run?.specOf(jobId)?.priority;
      if (run && priority !== undefined) jobs.push({ jobId, tenant: run.run.tenant, priority });
    }
    await queue.waitingRoom.submit(pool, jobs);
  }

  async function fillRun(runId: string): Promise<void> {
    const run = await book.updatedRun(runId);
    if (!run || run.run.pool !== pool) return;
    const jobs = [...run.unfinishedJobs()].map((jobId) => observe(jobId, run));
    const actions = planDispatch({ agents: new Set(), attempts: [], jobs });
    await submit(actions.filter((action) => action.type === "requeue").map((action) => action.jobId));
    for (const action of actions) if (action.type === "writeCancelled") await endCancelled(action.jobId);
  }

  async function restoreNotes(): Promise<void> {
    for (const [jobId, retried] of book.retried) await queue.records.setRetried(jobId, retried);
    const queued: string[] = [];
    for (const job of book.jobsAtHand) {
      if (job.phase === "running") events.onRunning(job);
      else if (job.phase === "queued") queued.push(job.attemptId);
    }
    await queue.running.add(queued);
  }

  return {
    takeUp,
    giveUp(link) {
      for (const job of book.jobsAtHand) {
        if (job.agent === link && (job.phase === "running" || job.phase === "handing")) {
          void ending.fail(job, lostAt(link, link.hasLeft ? "it has gone" : "it did not come back in time"));
        }
      }
    },
    async fill() {
      await restoreNotes();
      // Ids of runs sort by the time of submission.
      for (const runId of (await store.listUnfinishedRuns()).toSorted()) {
        try {
          await fillRun(runId);
        } catch (error) {
          // One run that cannot be read must not hold up the others.
          if (FarmError.from(error).code === "StoreUnavailable") throw error;
          log.error({ err: error, runId }, "a run could not be taken up");
        }
      }
    },
    async isBehind() {
      let unfinished = 0;
      for (const runId of await store.listUnfinishedRuns()) {
        const head = await store.readRunHead(runId);
        if (head?.pool === pool) unfinished += head.jobCount - (await store.listFinishedJobs(runId)).size;
      }
      return unfinished > book.jobsAtHand.length + (await queue.waitingRoom.size(pool));
    },
  };
}

function lostAt(link: AgentLink, detail: string): FarmError {
  return new FarmError("AgentLost", { agent: link.agentId, detail });
}
