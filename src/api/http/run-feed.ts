import { FarmError } from "../../core/error/farm-error.ts";
import { parseJobId } from "../../core/policy/attempt-id.ts";
import type { RunEvent } from "../../core/wire/farm.ts";
import { jobNameOf } from "../run/job-name.ts";
import { type RunLedger, recordOfProgress } from "../run/run-ledger.ts";
import type { RunProgress } from "../run/run-progress.ts";
import type { Store, StoredRun } from "../store/store.ts";
import { createBell } from "./bell.ts";

interface RunFeedOptions {
  readonly store: Store;
  readonly ledger: RunLedger;
  readonly runId: string;
  /** What the caller has had: `<order>-<number of finished jobs>`. */
  readonly lastEventId: string | undefined;
  readonly signal: AbortSignal;
  /** Asked when the signal has aborted: whether nobody will be there to ask again. */
  readonly isFarmStopping: () => boolean;
}

/** A comment after this silence tells both ends that the other one is there. */
const HEARTBEAT_MS = 15_000;
/** Verdicts that are read and sent in one go. */
const BATCH = 64;
/** Starts that nobody has fetched yet; more of them are of no use to a reader that slow. */
const MAX_PENDING_STARTS = 1_000;

/**
 * Server-sent events of a run: `run`, then what has finished since the caller was here last, then what happens, then
 * `end`. Nothing is read ahead of a slow caller: where it stands is a number.
 */
export async function* feedRun(options: RunFeedOptions): AsyncGenerator<string> {
  const { store, ledger, runId, lastEventId, signal, isFarmStopping } = options;
  const run = await store.readRun(runId);
  const progress = await ledger.progress(runId);
  if (!run || !progress) throw new FarmError("NotFound", { kind: "run", name: runId });
  const starts: RunEvent[] = [];
  const bell = createBell(signal);
  const stop = await ledger.watch(runId, (started) => {
    if (started && starts.length < MAX_PENDING_STARTS) starts.push({ type: "jobRunning", ...started });
    bell.ring();
  });
  try {
    yield format({ type: "run", run: recordOfProgress(progress) });
    for (const [jobId, { attempt }] of progress.running()) starts.push({ type: "jobRunning", jobId, attempt });
    let position = resumePosition(progress, lastEventId);
    while (!signal.aborted) {
      // Both at one moment: a job's start is told before its end, never after it.
      const begun = starts.splice(0).map((event) => format(event));
      const next = Math.min(position + BATCH, progress.finishedCount);
      if (begun.length > 0 || next > position) {
        yield begun.join("") + (await formatFinished(store, run, progress, position, next));
        position = next;
        continue;
      }
      if (progress.isFinished) break;
      if (!(await bell.wait(HEARTBEAT_MS)) && !signal.aborted) yield ": still here\n\n";
    }
    if (signal.aborted) {
      if (isFarmStopping()) yield format({ type: "farmStops" });
      return;
    }
    yield format({ type: "end", run: recordOfProgress(progress) });
  } finally {
    stop?.();
    bell.stop();
  }
}

function resumePosition(progress: RunProgress, lastEventId: string | undefined): number {
  const [order, position] = lastEventId?.split("-") ?? [];
  // Another order cannot be resumed: everything is told again.
  return order === progress.orderId ? Math.min(Number(position) || 0, progress.finishedCount) : 0;
}

async function formatFinished(
  store: Store,
  run: StoredRun,
  progress: RunProgress,
  from: number,
  to: number,
): Promise<string> {
  const positions = Array.from({ length: to - from }, (_, offset) => from + offset);
  const events = positions.map(async (position) => {
    const jobId = progress.finishedAt(position) ?? "";
    const verdict = await store.readVerdict(jobId);
    const spec = run.spec.jobs[parseJobId(jobId).index];
    if (!verdict || !spec) return "";
    const event: RunEvent = { type: "jobFinished", jobId, name: jobNameOf(spec), board: spec.board, verdict };
    return format(event, `${progress.orderId}-${position + 1}`);
  });
  return (await Promise.all(events)).join("");
}

function format(event: RunEvent, id?: string): string {
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
