import { FarmError } from "../../core/error/farm-error.ts";
import { parseAttemptId } from "../../core/policy/attempt-id.ts";
import type { AttemptResult } from "../../core/wire/attempt.ts";
import type { Log } from "../../log/log.ts";
import type { DispatcherLease } from "../queue/dispatcher-lease.ts";
import type { FarmSignal } from "../queue/waiting-room.ts";
import { type Admission, createAdmission } from "./admission.ts";
import { createAgentFleet } from "./agent-fleet.ts";
import type { AgentLink } from "./agent-link.ts";
import { cancelJobs } from "./cancellation.ts";
import type { DispatchMetrics } from "./dispatch-metrics.ts";
import type { DispatcherOptions } from "./dispatcher-options.ts";
import { createHandOut } from "./hand-out.ts";
import type { JobAtHand } from "./job-at-hand.ts";
import { JobBook } from "./job-book.ts";
import { createJobEnding } from "./job-ending.ts";
import { createRecovery } from "./recovery.ts";

/** One term of a dispatcher: from getting the lease until losing it. */
export interface DispatchSession extends AsyncDisposable {
  /** Brings Redis up to date with the store, and marks it so. */
  fill(): Promise<void>;
}

export interface Term {
  readonly lease: DispatcherLease;
  readonly epoch: number;
  readonly metrics: DispatchMetrics;
  /** Another dispatcher has taken over. */
  onSucceeded(): void;
}

const DEFAULT_LOSS_MS = 10_000;
/** How often the store is looked at for what no signal has told: a submission or cancellation that Redis missed. */
const DEFAULT_RESYNC_MS = 60_000;

/** Starts a term: first hears from every agent what it has, then puts what is left back, and only then hands out. */
export async function startSession(options: DispatcherOptions, term: Term): Promise<DispatchSession> {
  const { pool, store, queue, log } = options;
  const { lossMs = DEFAULT_LOSS_MS, resyncMs = DEFAULT_RESYNC_MS } = options.timings ?? {};
  const closing = new AbortController();
  const running = queue.openRunningQueue();
  const started = await running.readStarted();
  await running.clear();
  const book = new JobBook(store, await queue.records.readRetried());
  await queue.records.forgetPlaces();

  let admission: Admission | undefined;
  const inOrder = createSequence(log, closing.signal);
  const fleet = createAgentFleet({
    directory: options.directory,
    log,
    lossMs,
    events: {
      onHello: (link, attempts) => void inOrder(() => recovery.takeUp(link, attempts, true)),
      onFinished: (link, id, result) => finish(link, id, result),
      onSlots: () => admission?.onSlots(),
      onLost: (link) => void inOrder(async () => recovery.giveUp(link)),
    },
  });
  const ending = createJobEnding({
    store,
    queue: { records: queue.records, running },
    book,
    log,
    metrics: term.metrics,
    signal: closing.signal,
  });
  const recovery = createRecovery({
    pool,
    store,
    queue: { waitingRoom: queue.waitingRoom, records: queue.records, running },
    book,
    ending,
    events: { onRunning },
    log,
  });
  const handOut = createHandOut({
    lease: term.lease,
    epoch: term.epoch,
    fleet,
    book,
    ending,
    blobUrl: options.blobUrl,
    events: {
      onRunning(job) {
        term.metrics.attempts.inc();
        onRunning(job);
      },
      onSucceeded: term.onSucceeded,
    },
    log,
  });

  function onRunning(job: JobAtHand): void {
    queue.records.tellRunning(job.jobId, { attempt: job.attempt, agent: job.agent?.address ?? "" });
  }

  function finish(link: AgentLink, id: string, result: AttemptResult): void {
    const jobId = parseAttemptId(id)?.jobId;
    const job = jobId === undefined ? undefined : book.find(jobId);
    if (job?.attemptId === id && job.agent === link) return void ending.end(job, { ...result, result });
    void inOrder(() => recovery.takeUp(link, [{ id, specDigest: "", state: "finished", result }], false));
  }

  function onSignal(signal: FarmSignal): void {
    if (signal.type === "submitted" && signal.pool === pool) admission?.onSubmitted();
    if (signal.type === "cancelled" && signal.pool === pool) void inOrder(() => cancel(signal.runId));
  }

  async function cancel(runId: string): Promise<void> {
    await cancelJobs({ pool, waitingRoom: queue.waitingRoom, book, ending }, runId);
  }

  async function fill(): Promise<void> {
    await inOrder(async () => {
      await recovery.fill();
      await term.lease.markFilled();
      admission?.onSubmitted();
    });
  }

  /** Makes good what a lost signal or a caller that died halfway has left. */
  async function resync(): Promise<void> {
    for (const runId of await store.listUnfinishedRuns()) {
      const cancelled = await store.readCancellation(runId);
      if (cancelled.run !== undefined || cancelled.jobs.size > 0) await cancel(runId);
    }
    // What Redis refused when its turn had come, as one does whose disk is full; what is there stays as it is.
    await running.add(book.jobsAtHand.filter((job) => job.phase === "queued").map((job) => job.attemptId));
    if (await recovery.isBehind()) await recovery.fill();
    // The word of a submission may have been lost while Redis was away, its jobs not.
    admission?.onSubmitted();
  }

  /** Attempts that were begun, and that no agent which could be asked has, may run where nobody can ask. */
  function passOver(attemptIds: readonly string[]): void {
    const silent = fleet.links.filter((link) => !link.isConnected);
    if (silent.length === 0) return;
    const detail = `unreachable: ${silent.map((link) => link.address).join(", ")}`;
    for (const id of attemptIds) {
      const parsed = parseAttemptId(id);
      if (!parsed || book.find(parsed.jobId)) continue;
      const { attempt, earlier } = book.retriedOf(parsed.jobId);
      if (attempt !== parsed.attempt) continue;
      const error = new FarmError("AgentLost", { agent: "that had it", detail }).toBody();
      book.setRetried(parsed.jobId, { attempt: attempt + 1, earlier: [...earlier, { attempt, error }] });
    }
  }

  const unsubscribe = await queue.signals.subscribe(onSignal);
  await fleet.open();
  await inOrder(async () => passOver(started));
  admission = createAdmission({
    pool,
    queue: { waitingRoom: queue.waitingRoom, running },
    fleet,
    book,
    ending,
    boards: options.boards,
    isAllowed: () => term.lease.isHeld(),
    log,
  });
  await fill();
  term.metrics.setFleet(fleet);
  running.start(handOut.process);
  const resyncTimer = setInterval(() => void inOrder(resync), resyncMs);
  const stopListening = queue.onReconnected(() => void fill());

  return {
    fill,
    async [Symbol.asyncDispose]() {
      closing.abort(new FarmError("Cancelled", { reason: "the dispatcher's term has ended" }));
      clearInterval(resyncTimer);
      stopListening();
      term.metrics.setFleet(undefined);
      admission?.[Symbol.dispose]();
      fleet[Symbol.dispose]();
      await unsubscribe();
      await running[Symbol.asyncDispose]();
    },
  };
}

/**
 * Runs what looks at the whole state one after another, so that each sees what the one before has done. A failure is
 * logged: agents tell again, and the store is looked at again.
 */
function createSequence(log: Log, signal: AbortSignal): (work: () => Promise<void>) => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return async (work) => {
    last = last.then(async () => {
      if (signal.aborted) return;
      try {
        await work();
      } catch (error) {
        if (!signal.aborted) log.error({ err: error }, "the state could not be brought up to date; trying again later");
      }
    });
    await last;
  };
}
