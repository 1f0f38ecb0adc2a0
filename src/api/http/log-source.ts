import { FarmError } from "../../core/error/farm-error.ts";
import { attemptIdOf, parseJobId } from "../../core/policy/attempt-id.ts";
import { textChannels } from "../../core/policy/text-channels.ts";
import type { JobVerdict } from "../../core/wire/farm.ts";
import type { JobPlace } from "../queue/waiting-room.ts";
import type { StoredRun } from "../store/store.ts";
import type { RouteContext } from "./api-server.ts";
import { createBell } from "./bell.ts";

type LogContext = Pick<RouteContext, "store" | "ledger" | "queue" | "agents" | "log">;

interface LogRequest {
  readonly jobId: string;
  readonly uart: string;
  readonly follow: boolean;
  readonly offset: number;
  readonly attempt?: number | undefined;
  readonly signal: AbortSignal;
}

/** A signal may be lost: a job that is waited for is looked at again after this time. */
const LOOK_AGAIN_MS = 2_000;

/**
 * The log of a UART from an offset: of the agent while the attempt is there, else of the store. Where the agent's
 * stream breaks off, it goes on from the store at the byte that comes next.
 * @throws {FarmError} NotFound
 */
export async function openLog(context: LogContext, request: LogRequest): Promise<AsyncGenerator<Buffer>> {
  const { jobId, uart } = request;
  const { runId, index } = parseJobId(jobId);
  const run = await context.store.readRun(runId);
  const spec = run?.spec.jobs[index];
  if (!run || !spec) throw new FarmError("NotFound", { kind: "job", name: jobId });
  const board = run.boards[spec.board];
  if (!board || !textChannels(board).includes(uart)) {
    throw new FarmError("NotFound", { kind: "UART", name: `${uart} on board ${spec.board}` });
  }
  return request.follow ? followLog(context, run, request) : readLog(context, run, request);
}

async function* readLog(context: LogContext, run: StoredRun, request: LogRequest): AsyncGenerator<Buffer> {
  const verdict = await context.store.readVerdict(request.jobId);
  const place = await findPlace(context, run, request.jobId);
  const attempt = request.attempt ?? verdict?.attempt ?? place?.attempt;
  if (attempt === undefined) return;
  const stored = await context.store.openLog(
    { ...request, attempt },
    storedOffset(verdict, { ...request, attempt }, request.offset),
  );
  if (stored) yield* stored;
  else if (place?.attempt === attempt) yield* agentLog(context, place, request, request.offset);
}

async function* followLog(context: LogContext, run: StoredRun, request: LogRequest): AsyncGenerator<Buffer> {
  const { store } = context;
  const { jobId, uart, signal } = request;
  let { attempt, offset } = request;
  using watch = await watchRun(context, run.id, signal);
  while (!signal.aborted) {
    const verdict = await store.readVerdict(jobId);
    const place = verdict ? undefined : await findPlace(context, run, jobId);
    attempt ??= verdict?.attempt ?? place?.attempt;
    if (attempt !== undefined && (verdict || (place && place.attempt > attempt))) {
      const stored = await store.openLog({ jobId, attempt, uart }, storedOffset(verdict, { attempt, uart }, offset));
      if (stored) yield* stored;
      return;
    }
    if (place && place.attempt === attempt) {
      using stay = await whileThere(context, run.id, jobId, attempt);
      const live = { ...request, signal: AbortSignal.any([signal, stay.signal]) };
      try {
        for await (const chunk of agentLog(context, place, live, offset)) {
          offset += chunk.length;
          yield chunk;
        }
        return;
      } catch (error) {
        if (signal.aborted) return;
        // The agent was lost, or has handed its log over: the store has it, or will, or another attempt begins.
        context.log.debug({ err: error, jobId }, "a live log broke off");
      }
    }
    await watch.next();
  }
}

/**
 * A log keeps its first and its last part: an offset behind the gap counts from the end.
 */
function storedOffset(
  verdict: JobVerdict | undefined,
  { attempt, uart }: { readonly attempt: number; readonly uart: string },
  offset: number,
): number {
  // A verdict tells the sizes of its own attempt's logs only.
  const log = verdict?.attempt === attempt ? verdict.result?.logs.find((one) => one.uart === uart) : undefined;
  if (!log || log.bytes <= log.keptBytes || offset <= log.keptBytes / 2) return offset;
  return Math.max(Math.floor(log.keptBytes / 2), log.keptBytes - Math.max(0, log.bytes - offset));
}

async function* agentLog(
  { agents }: LogContext,
  { agent, attempt }: JobPlace,
  { jobId, uart, follow, signal }: LogRequest,
  offset: number,
): AsyncGenerator<Buffer> {
  const client = agents.get(agent);
  if (!client) throw new FarmError("AgentLost", { agent, detail: "the API does not know it" });
  yield* client.log({ attempt: attemptIdOf(jobId, attempt) }, uart, { offset, isFollowed: follow, signal });
}

/** Where a job runs: by the signals, else as the dispatcher has noted. */
export async function findPlace(
  { ledger, queue }: Pick<LogContext, "ledger" | "queue">,
  run: StoredRun,
  jobId: string,
): Promise<JobPlace | undefined> {
  const known = (await ledger.progress(run.id))?.placeOf(jobId);
  if (known) return known;
  try {
    return (await queue.placesOf(run.pool).findPlaces([jobId])).get(jobId);
  } catch (error) {
    // Without Redis only the signals tell; the next one does.
    if (error instanceof FarmError && error.code === "QueueUnavailable") return undefined;
    throw error;
  }
}

/**
 * A signal that lasts as long as an attempt is where it was: a node that is lost ends no connection, and may be given up
 * for hours before the network does so.
 */
async function whileThere(
  { ledger }: Pick<LogContext, "ledger">,
  runId: string,
  jobId: string,
  attempt: number,
): Promise<Disposable & { readonly signal: AbortSignal }> {
  const left = new AbortController();
  const progress = await ledger.progress(runId);
  const look = () => {
    if (progress?.hasVerdict(jobId) || (progress?.placeOf(jobId)?.attempt ?? 0) > attempt) left.abort();
  };
  const stop = await ledger.watch(runId, look);
  look();
  return { signal: left.signal, [Symbol.dispose]: () => stop?.() };
}

/** Tells when something has happened to a run, or it is time to look again. To be made before the first look. */
export async function watchRun(
  { ledger }: Pick<LogContext, "ledger">,
  runId: string,
  signal: AbortSignal,
): Promise<Disposable & { next(): Promise<void> }> {
  const bell = createBell(signal);
  const stop = await ledger.watch(runId, bell.ring);
  return {
    async next() {
      await bell.wait(LOOK_AGAIN_MS);
    },
    [Symbol.dispose]() {
      stop?.();
      bell.stop();
    },
  };
}
