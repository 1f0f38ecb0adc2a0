import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import type { WebSocket } from "ws";
import { FarmError } from "../core/error/farm-error.ts";
import type { Board } from "../core/schema/board.ts";
import type { JobSpecInput } from "../core/schema/job.ts";
import type { RunSpecInput } from "../core/schema/run.ts";
import type { VerdictName } from "../core/verdict.ts";
import type { AgentToken, AgentTokenRequest } from "../core/wire/agent-token.ts";
import { artifactSegment } from "../core/wire/artifact.ts";
import {
  type BoardStatus,
  FARM_STOPS,
  FARM_TRAILER,
  type FirmwareRecord,
  type JobRecord,
  type RunEvent,
  type RunRecord,
} from "../core/wire/farm.ts";
import type { ImportRecord, ImportRequestInput } from "../core/wire/import.ts";
import { type Connection, createConnection, type MessageListener, type TokenSource } from "./connection.ts";
import { type GuestChannels, guestChannels } from "./guest-channels.ts";
import { createInstanceClient, type InstanceClient } from "./instance-client.ts";
import { type AbsenceListener, Reconnection } from "./reconnection.ts";
import { parseRunEvents } from "./run-events.ts";

export interface FarmClientOptions {
  /** `unix:/path`, `tcp:host:port` or `http://host:port`. */
  readonly address: string;
  readonly token: TokenSource;
  /** On a cluster: the namespace that runs are of; default: the farm's own. */
  readonly namespace?: string | undefined;
  /** The command that helps where no farm answers. Default: `emufarm up`. */
  readonly start?: string;
  /** Asked where the farm does not answer: true ends the wait for it. Default: nobody knows. */
  readonly isStopped?: () => Promise<boolean>;
}

export interface JobFilter {
  readonly state?: JobRecord["state"];
  readonly verdict?: VerdictName;
}

export interface FollowOptions extends AbsenceListener {
  readonly signal?: AbortSignal;
  /** How long to try to reach a farm that has gone. Default: a minute. */
  readonly giveUpAfterMs?: number;
}

export interface FollowLogOptions extends FollowOptions {
  /** Called before the first byte of each further attempt, whose log begins anew. */
  readonly onRetry?: (attempt: number) => void;
}

export interface LogRange {
  /** First byte; default 0. */
  readonly offset?: number;
  /** Default: the attempt that gave the verdict, or the one that runs. */
  readonly attempt?: number;
}

/** The command that starts a farm. */
const START = "emufarm up";
const GIVE_UP_AFTER_MS = 60_000;
const JOBS_PER_PAGE = 1_000;
/** The API writes a comment each 15 s: a silence of this length means that it is gone or frozen. */
const EVENTS_SILENCE_MS = 45_000;
/** A run of 10,000 jobs is checked and written to the disk before it is answered. */
const SUBMIT_SILENCE_MS = 300_000;

/**
 * The farm's API. Every call throws the FarmError that the API answered, or FarmNotRunning where no farm answered.
 *
 * @example
 * await using farm = createFarmClient({ address, token });
 * const { sha256 } = await farm.uploadBytes(image);
 * const run = await farm.submitRun({ jobs: [{ board: "mps2-an385", firmware: { sha256 } }] });
 * for await (const event of farm.events(run.id)) console.log(event.type);
 */
export interface FarmClient extends AsyncDisposable {
  readonly address: string;
  hasFirmware(sha256: string): Promise<boolean>;
  /** Uploads what `open` gives, unless the farm has these bytes; only then `open` is called. */
  upload(sha256: string, open: () => Uint8Array | Readable): Promise<FirmwareRecord>;
  uploadBytes(bytes: Uint8Array): Promise<FirmwareRecord>;
  /** @param key submitting again with the same key gives the same run */
  submitRun(run: RunSpecInput, key?: string): Promise<RunRecord>;
  /** Submits a run of one job. */
  /**
   * Brings firmware of any source into the store.
   * @throws {FarmError} FirmwareSourceRefused, FirmwareSourceFailed, FirmwareUnknown, DigestMismatch, Firmware...
   */
  importFirmware(request: ImportRequestInput, signal?: AbortSignal): Promise<ImportRecord>;
  submitJob(job: JobSpecInput, key?: string): Promise<JobRecord>;
  run(id: string): Promise<RunRecord>;
  /** Newest first; `before` is the id of the last run of the page before. */
  runs(page?: { limit?: number; before?: string }): Promise<RunRecord[]>;
  job(id: string): Promise<JobRecord>;
  /** The jobs of a run in their order, fetched page by page. */
  jobs(runId: string, filter?: JobFilter): AsyncGenerator<JobRecord>;
  cancelRun(id: string, reason: string): Promise<RunRecord>;
  cancelJob(id: string, reason: string): Promise<JobRecord>;
  /** The run's report as JUnit XML, as it comes. */
  junit(runId: string): AsyncGenerator<Buffer>;
  /** The run's report as JSON, as it comes. */
  report(runId: string): AsyncGenerator<Buffer>;
  boards(): Promise<BoardStatus[]>;
  /** @throws {FarmError} UnknownBoard with the nearest name */
  board(name: string): Promise<BoardStatus>;
  putBoard(board: Board): Promise<BoardStatus>;
  /** @throws {FarmError} UnknownBoard; Conflict for a board that nobody has added */
  removeBoard(name: string): Promise<void>;
  /**
   * What happens to a run, until its end: `run` first, then each job's verdict exactly once (also those from before),
   * then `end`. Goes on by itself when the connection breaks or the API is started again.
   */
  events(runId: string, options?: FollowOptions): AsyncGenerator<RunEvent>;
  /** The log of a UART as it is now. */
  log(jobId: string, uart: string, range?: LogRange): AsyncGenerator<Buffer>;
  /** Every byte of a UART as it comes, until the job has ended; of a job that waits, from its start. */
  followLog(jobId: string, uart: string, options?: FollowLogOptions): AsyncGenerator<Buffer>;
  /** The channels of a job that runs; a WebSocket of one that waits waits with it. */
  channels(jobId: string): GuestChannels;
  /** Instances of a farm on one machine. */
  readonly instances: InstanceClient;
  /** A file that the test of a job has made; its verdict lists them. @throws {FarmError} NotFound */
  artifact(jobId: string, name: string): AsyncGenerator<Buffer>;
  /** A way to the channels of an instance's pod in the cluster. @throws {FarmError} Forbidden, NotFound */
  agentToken(request: AgentTokenRequest): Promise<AgentToken>;
  /** Binary messages are bytes of the UART, both ways; text messages tell who writes, gaps and boots, as JSON. */
  openConsole(jobId: string, uart: string, onMessage: MessageListener): Promise<WebSocket>;
}

/** The API answers when it has the bytes, or has given them up. */
const IMPORT_SILENCE_MS = 600_000;

export function createFarmClient(options: FarmClientOptions): FarmClient {
  const { address, start = START, isStopped } = options;
  const farmEnd: FarmEnd = {
    error: () => new FarmError("FarmStopped", { start }),
    find: async () => ((await isStopped?.()) ? farmEnd.error() : undefined),
  };
  const lost = (_detail: string, cause: unknown) => new FarmError("FarmNotRunning", { address, start }, { cause });
  const headers = options.namespace === undefined ? undefined : { "emufarm-namespace": options.namespace };
  const connection = createConnection({ address, token: options.token, headers, lost });
  const { json, bytes } = connection;
  const get = <Value>(path: string) => json<Value>({ method: "GET", path });
  const submit = <Value>(path: string, body: unknown, key: string | undefined) =>
    json<Value>({
      method: "POST",
      path,
      body,
      silenceMs: SUBMIT_SILENCE_MS,
      ...(key !== undefined && { headers: { "idempotency-key": key } }),
    });
  const find = async (sha256: string): Promise<FirmwareRecord | undefined> => {
    try {
      return await get<FirmwareRecord>(`/v1/firmware/${sha256}`);
    } catch (error) {
      if (error instanceof FarmError && error.code === "FirmwareUnknown") return undefined;
      throw error;
    }
  };
  const upload: FarmClient["upload"] = async (sha256, open) =>
    (await find(sha256)) ?? (await json({ method: "PUT", path: `/v1/firmware/${sha256}`, bytes: open() }));

  return {
    address,
    hasFirmware: async (sha256) => (await find(sha256)) !== undefined,
    upload,
    uploadBytes: (image) => upload(createHash("sha256").update(image).digest("hex"), () => image),
    importFirmware: (request, signal) =>
      json({
        method: "POST",
        path: "/v1/imports",
        body: request,
        silenceMs: IMPORT_SILENCE_MS,
        ...(signal && { signal }),
      }),
    submitRun: (run, key) => submit("/v1/runs", run, key),
    submitJob: (job, key) => submit("/v1/jobs", job, key),
    run: (id) => get(`/v1/runs/${id}`),
    runs: (page = {}) => get(`/v1/runs${queryOf(page)}`),
    job: (id) => get(`/v1/jobs/${id}`),
    jobs: (runId, filter = {}) => listJobs(connection, runId, filter),
    cancelRun: (id, reason) => json({ method: "POST", path: `/v1/runs/${id}/cancel`, body: { reason } }),
    cancelJob: (id, reason) => json({ method: "POST", path: `/v1/jobs/${id}/cancel`, body: { reason } }),
    junit: (runId) => bytes({ method: "GET", path: `/v1/runs/${runId}/junit`, silenceMs: SUBMIT_SILENCE_MS }),
    report: (runId) => bytes({ method: "GET", path: `/v1/runs/${runId}/report`, silenceMs: SUBMIT_SILENCE_MS }),
    boards: () => get("/v1/boards"),
    board: (name) => get(`/v1/boards/${encodeURIComponent(name)}`),
    putBoard: (board) => json({ method: "PUT", path: `/v1/boards/${board.metadata.name}`, body: board }),
    removeBoard: (name) => json({ method: "DELETE", path: `/v1/boards/${encodeURIComponent(name)}` }),
    events: (runId, follow = {}) => followEvents(connection, farmEnd, runId, follow),
    log: (jobId, uart, range = {}) =>
      bytes({ method: "GET", path: `/v1/jobs/${jobId}/logs/${uart}${queryOf({ ...range })}` }),
    followLog: (jobId, uart, follow = {}) => followLog(connection, farmEnd, jobId, uart, follow),
    instances: createInstanceClient(connection),
    channels: (jobId) => guestChannels(connection, `/v1/jobs/${jobId}`),
    artifact: (jobId, name) => bytes({ method: "GET", path: `/v1/jobs/${jobId}/artifacts/${artifactSegment(name)}` }),
    agentToken: (body) => json({ method: "POST", path: "/v1/agent-tokens", body }),
    openConsole: (jobId, uart, onMessage) => connection.webSocket(`/v1/jobs/${jobId}/uarts/${uart}`, onMessage),
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

/** What is known of the end of a farm. */
interface FarmEnd {
  readonly error: () => FarmError;
  readonly find: () => Promise<FarmError | undefined>;
}

async function* listJobs({ json }: Connection, runId: string, filter: JobFilter): AsyncGenerator<JobRecord> {
  let after: string | undefined;
  for (;;) {
    const query = queryOf({ ...filter, limit: JOBS_PER_PAGE, after });
    const page = await json<JobRecord[]>({ method: "GET", path: `/v1/runs/${runId}/jobs${query}` });
    yield* page;
    after = page.at(-1)?.id;
    if (page.length < JOBS_PER_PAGE) return;
  }
}

async function* followEvents(
  connection: Connection,
  end: FarmEnd,
  runId: string,
  { signal, giveUpAfterMs = GIVE_UP_AFTER_MS, ...listener }: FollowOptions,
): AsyncGenerator<RunEvent> {
  const reconnection = new Reconnection(giveUpAfterMs, listener, end.find);
  const seen = new Set<string>();
  let lastEventId: string | undefined;
  const call = { method: "GET", silenceMs: EVENTS_SILENCE_MS, onAnswer: () => reconnection.answered() } as const;
  for (;;) {
    const headers = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
    const path = `/v1/runs/${runId}/events`;
    try {
      const stream = connection.bytes({ ...call, path, headers, ...(signal && { signal }) });
      for await (const { id, event } of parseRunEvents(stream)) {
        if (event.type === "farmStops") throw end.error();
        reconnection.progressed();
        lastEventId = id ?? lastEventId;
        // An API that was started again tells everything again.
        const name = event.type === "jobFinished" ? event.jobId : event.type;
        if (event.type !== "jobRunning" && seen.has(name)) continue;
        seen.add(name);
        yield event;
        if (event.type === "end") return;
      }
      throw new FarmError("FarmNotRunning", { address: connection.address, start: START });
    } catch (error) {
      await reconnection.afterFailure(error, signal);
    }
  }
}

async function* followLog(
  { bytes, json }: Connection,
  end: FarmEnd,
  jobId: string,
  uart: string,
  { signal, giveUpAfterMs = GIVE_UP_AFTER_MS, onRetry, ...listener }: FollowLogOptions,
): AsyncGenerator<Buffer> {
  const reconnection = new Reconnection(giveUpAfterMs, listener, end.find);
  let isStopping = false;
  const call = {
    method: "GET",
    silenceMs: 0,
    onAnswer: () => reconnection.answered(),
    onTrailers: (trailers: Readonly<Record<string, string>>) => {
      isStopping = trailers[FARM_TRAILER] === FARM_STOPS;
    },
  } as const;
  let attempt = 1;
  let toldAttempt = 1;
  let offset = 0;
  for (;;) {
    const path = `/v1/jobs/${jobId}/logs/${uart}${queryOf({ follow: true, attempt, offset })}`;
    try {
      for await (const chunk of bytes({ ...call, path, ...(signal && { signal }) })) {
        reconnection.progressed();
        if (attempt > toldAttempt) onRetry?.(attempt);
        toldAttempt = attempt;
        offset += chunk.length;
        yield chunk;
      }
      if (isStopping) throw end.error();
      const { verdict } = await json<JobRecord>({ method: "GET", path: `/v1/jobs/${jobId}` });
      if (verdict && verdict.attempt <= attempt) return;
      // The log may end a moment before the verdict stands: only bytes of the next attempt tell that there is one.
      attempt += 1;
      offset = 0;
    } catch (error) {
      await reconnection.afterFailure(error, signal);
    }
  }
}

function queryOf(query: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const text = new URLSearchParams(
    Object.entries(query).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, String(value)]],
    ),
  ).toString();
  return text === "" ? "" : `?${text}`;
}
