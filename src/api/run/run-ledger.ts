import { randomBytes } from "node:crypto";
import { parseJobId } from "../../core/policy/attempt-id.ts";
import type { JobVerdict, RunRecord } from "../../core/wire/farm.ts";
import type { Log } from "../../log/log.ts";
import type { FarmQueue } from "../queue/farm-queue.ts";
import type { FarmSignal } from "../queue/waiting-room.ts";
import type { RunHead, RunSummary, Store } from "../store/store.ts";
import { RunProgress } from "./run-progress.ts";

/** Runs that nobody watches are kept in memory up to this number. */
const KEPT_RUNS = 200;
/** Signals may be lost: while somebody looks at a run, the store is asked at least so often. */
const RECONCILE_MS = 2_000;
const PLACES_PER_QUERY = 1_000;

/** Told when a run has moved: a job runs, or has finished. */
export type RunListener = (running?: { jobId: string; attempt: number }) => void;

interface Entry {
  readonly progress: RunProgress;
  readonly listeners: Set<RunListener>;
  reconciledMs: number;
  reconciling: Promise<void> | undefined;
  timer: NodeJS.Timeout | undefined;
}

interface RunLedgerDependencies {
  readonly store: Store;
  readonly queue: Pick<FarmQueue, "signals" | "placesOf">;
  readonly log: Log;
}

/** How the runs stand, in memory: kept up to date by signals, made good from the store. */
export class RunLedger implements AsyncDisposable {
  readonly #dependencies: RunLedgerDependencies;
  readonly #entries = new Map<string, Promise<Entry | undefined>>();
  #unsubscribe: (() => Promise<void>) | undefined;

  private constructor(dependencies: RunLedgerDependencies) {
    this.#dependencies = dependencies;
  }

  static async open(dependencies: RunLedgerDependencies): Promise<RunLedger> {
    const ledger = new RunLedger(dependencies);
    ledger.#unsubscribe = await dependencies.queue.signals.subscribe((signal) => {
      ledger.#take(signal).catch((error: unknown) => dependencies.log.error({ err: error, signal }, "signal failed"));
    });
    return ledger;
  }

  /** How the run stands now; undefined when there is no such run. */
  async progress(runId: string): Promise<RunProgress | undefined> {
    const entry = await this.#entry(runId);
    if (entry && !entry.progress.isFinished) await this.#reconcile(entry);
    return entry?.progress;
  }

  async record(runId: string): Promise<RunRecord | undefined> {
    const { store } = this.#dependencies;
    const head = await store.readRunHead(runId);
    if (!head) return undefined;
    const summary = await store.readSummary(runId);
    if (summary) return recordOf(head, summary, (await store.readCancellation(runId)).run !== undefined);
    const progress = await this.progress(runId);
    return progress && recordOfProgress(progress);
  }

  /** Counts a verdict that this process has created. */
  async noteVerdict(verdict: JobVerdict): Promise<void> {
    const entry = await this.#entry(parseJobId(verdict.jobId).runId);
    if (entry) await this.#count(entry, verdict);
  }

  /** Returns how to stop. While somebody listens, the run is looked at from time to time, should a signal get lost. */
  async watch(runId: string, listener: RunListener): Promise<(() => void) | undefined> {
    const entry = await this.#entry(runId);
    if (!entry) return undefined;
    entry.listeners.add(listener);
    entry.timer ??= setInterval(() => {
      this.#reconcile(entry).catch((error: unknown) => {
        this.#dependencies.log.warn({ err: error, runId }, "the store could not be asked how a run stands");
      });
    }, RECONCILE_MS);
    return () => {
      entry.listeners.delete(listener);
      if (entry.listeners.size > 0) return;
      clearInterval(entry.timer);
      entry.timer = undefined;
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#unsubscribe?.();
    for (const entry of await Promise.allSettled(this.#entries.values())) {
      if (entry.status === "fulfilled") clearInterval(entry.value?.timer);
    }
  }

  async #take(signal: FarmSignal): Promise<void> {
    if (signal.type === "jobRunning") {
      const { jobId, attempt, agent } = signal;
      const entry = await this.#entry(parseJobId(jobId).runId);
      if (!entry || entry.progress.hasVerdict(jobId)) return;
      entry.progress.noteRunning(jobId, { attempt, agent });
      for (const listener of entry.listeners) listener({ jobId, attempt });
    } else if (signal.type === "jobFinished") {
      const entry = await this.#entry(parseJobId(signal.jobId).runId);
      if (!entry || entry.progress.hasVerdict(signal.jobId)) return;
      const verdict = await this.#dependencies.store.readVerdict(signal.jobId);
      if (verdict) await this.#count(entry, verdict);
    }
  }

  #entry(runId: string): Promise<Entry | undefined> {
    const known = this.#entries.get(runId);
    // Used last, forgotten last.
    this.#entries.delete(runId);
    const entry = known ?? this.#load(runId);
    this.#entries.set(runId, entry);
    if (!known) {
      entry.then(
        (loaded) => {
          if (!loaded) this.#entries.delete(runId);
        },
        () => this.#entries.delete(runId),
      );
      this.#forgetOld().catch((error: unknown) => this.#dependencies.log.error({ err: error }, "ledger failed"));
    }
    return entry;
  }

  async #load(runId: string): Promise<Entry | undefined> {
    const { store, queue, log } = this.#dependencies;
    const head = await store.readRunHead(runId);
    if (!head) return undefined;
    const progress = new RunProgress(
      head,
      randomBytes(6).toString("hex"),
      (await store.readCancellation(runId)).run !== undefined,
    );
    const entry: Entry = {
      progress,
      listeners: new Set(),
      reconciledMs: performance.now(),
      reconciling: undefined,
      timer: undefined,
    };
    for await (const verdict of store.listVerdicts(runId)) progress.note(verdict);
    if (progress.isFinished) await store.createSummary(runId, progress.summary());
    const unfinished = progress.unfinishedJobIds();
    try {
      for (let start = 0; start < unfinished.length; start += PLACES_PER_QUERY) {
        const places = await queue.placesOf(head.pool).findPlaces(unfinished.slice(start, start + PLACES_PER_QUERY));
        for (const [jobId, place] of places) progress.noteRunning(jobId, place);
      }
    } catch (error) {
      // Where jobs run is a hint: they show as waiting until Redis is back and the next signal comes.
      log.warn({ err: error, runId }, "the queue could not be asked where jobs run");
    }
    return entry;
  }

  /** Counts what the store has and no signal has told of. */
  async #reconcile(entry: Entry): Promise<void> {
    const { progress } = entry;
    if (progress.isFinished || performance.now() - entry.reconciledMs < RECONCILE_MS / 2) return;
    entry.reconciling ??= this.#readMissing(entry).finally(() => {
      entry.reconciling = undefined;
      entry.reconciledMs = performance.now();
    });
    await entry.reconciling;
  }

  async #readMissing(entry: Entry): Promise<void> {
    const { store } = this.#dependencies;
    const { progress } = entry;
    const finished = await store.listFinishedJobs(progress.head.id);
    for (const jobId of finished) {
      if (progress.hasVerdict(jobId)) continue;
      const verdict = await store.readVerdict(jobId);
      if (verdict) await this.#count(entry, verdict);
    }
  }

  async #count(entry: Entry, verdict: JobVerdict): Promise<void> {
    const { progress, listeners } = entry;
    if (!progress.note(verdict)) return;
    for (const listener of listeners) listener();
    // Nobody waits for it: it only saves counting again.
    if (progress.isFinished) await this.#dependencies.store.createSummary(progress.head.id, progress.summary());
  }

  async #forgetOld(): Promise<void> {
    if (this.#entries.size <= KEPT_RUNS) return;
    for (const [runId, loading] of this.#entries) {
      const entry = await loading;
      if (entry && entry.listeners.size > 0) continue;
      this.#entries.delete(runId);
      if (this.#entries.size <= KEPT_RUNS) return;
    }
  }
}

export function recordOfProgress(progress: RunProgress): RunRecord {
  const summary = progress.summary();
  if (progress.isFinished) return recordOf(progress.head, summary, progress.isCancelled);
  return { ...bareRecord(progress.head, summary, progress.isCancelled), outcome: "running" };
}

function recordOf(head: RunHead, summary: RunSummary, isCancelled: boolean): RunRecord {
  const { unexpected, skipped, total } = summary.totals;
  // Where nothing ran, nothing was proven.
  const outcome = unexpected === 0 && skipped < total ? "passed" : "failed";
  return { ...bareRecord(head, summary, isCancelled), finishedAt: summary.finishedAt, outcome };
}

function bareRecord(head: RunHead, { totals }: RunSummary, isCancelled: boolean): Omit<RunRecord, "outcome"> {
  const { id, name, tenant, createdAt } = head;
  return { id, name, tenant, createdAt, isCancelled, totals };
}
