import { z } from "zod";
import { errorBody } from "../error/error-body.ts";
import { boardSpec } from "../schema/board.ts";
import { JOB_STATES, jobSpec } from "../schema/job.ts";
import { objectName, sha256 } from "../schema/metadata.ts";
import { runTotals } from "../schema/run.ts";
import { verdictName } from "../verdict.ts";
import { attemptResult } from "./attempt.ts";

/** Id of a run: `r` and lower-case letters and digits, made by the API, sortable by time of creation. */
export const runId = z
  .string()
  .regex(/^r[0-9a-z]{12,24}$/, "must be the id of a run, as `emufarm get runs` lists them")
  .describe("Id of the run.");
/** Id of a job: run id, a dash, place in the run as six digits. */
export const jobId = z
  .string()
  .regex(/^r[0-9a-z]{12,24}-\d{6}$/, "must be the id of a job, as `emufarm get RUN` lists them")
  .describe("Id of the job.");

/** The verdict of a job as it stands in the store: created once, never changed. */
export const jobVerdict = z
  .strictObject({
    jobId,
    verdict: verdictName,
    isExpected: z.boolean().describe("True when the verdict is the one that the job was meant to have."),
    isFlaky: z.boolean().describe("True when it passed after a failed attempt."),
    isSkipped: z.boolean().describe("True when the board is not available here."),
    attempt: z.number().int().min(0).describe("Number of the attempt that gave the verdict; 0: none ran."),
    attempts: z
      .array(z.strictObject({ attempt: z.number().int(), agentId: z.string().optional(), error: errorBody.optional() }))
      .describe("Earlier attempts and why they did not count."),
    error: errorBody.optional(),
    result: attemptResult.optional().describe("What the agent reported; logs lie beside it in the store."),
    finishedAt: z.iso.datetime().describe("When the verdict was stored."),
  })
  .describe("Verdict of a job.");
export type JobVerdict = z.infer<typeof jobVerdict>;

export const jobRecord = z
  .strictObject({
    id: jobId,
    runId,
    index: z.number().int().describe("Place in the run, from 0."),
    name: z.string().describe("Name of the test."),
    tenant: z.string(),
    pool: objectName,
    spec: jobSpec,
    state: z.enum(JOB_STATES).describe("waiting, running or finished."),
    waiting: z
      .strictObject({ position: z.number().int(), reason: z.string() })
      .optional()
      .describe("While waiting: place in the queue, from 0, and why."),
    attempt: z.number().int().optional().describe("Number of the current attempt."),
    agentId: z.string().optional().describe("Agent that runs it."),
    verdict: jobVerdict.optional(),
  })
  .describe("A job.");
export type JobRecord = z.infer<typeof jobRecord>;

export const runRecord = z
  .strictObject({
    id: runId,
    name: z.string(),
    tenant: z.string(),
    createdAt: z.iso.datetime(),
    finishedAt: z.iso.datetime().optional(),
    isCancelled: z.boolean(),
    totals: runTotals,
    outcome: z
      .enum(["running", "passed", "failed"])
      .describe("passed: every job that ran ended as expected, and one ran at least."),
  })
  .describe("A run.");
export type RunRecord = z.infer<typeof runRecord>;

/** Data of server-sent events on `GET /v1/runs/{id}/events`. The first one is `run`; the stream ends after `end`. */
export const runEvent = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("run"), run: runRecord }),
  z.strictObject({ type: z.literal("jobRunning"), jobId, attempt: z.number().int() }),
  z.strictObject({ type: z.literal("jobFinished"), jobId, name: z.string(), board: z.string(), verdict: jobVerdict }),
  z.strictObject({ type: z.literal("end"), run: runRecord }),
  z
    .strictObject({ type: z.literal("farmStops") })
    .describe("The farm ends, and this stream with it; the run goes on when it is up again."),
]);
export type RunEvent = z.infer<typeof runEvent>;

/** Trailer of a log that is followed, with {@link FARM_STOPS} where it ends since somebody stops the farm. */
export const FARM_TRAILER = "emufarm-farm";
export const FARM_STOPS = "stops";

export const boardStatus = z
  .strictObject({
    name: objectName,
    spec: boardSpec,
    isAvailable: z.boolean(),
    emulator: z.strictObject({ binary: z.string(), version: z.string(), accelerator: z.string() }).optional(),
    error: errorBody.optional().describe("Why it is not available, and what to install."),
  })
  .describe("A board and whether it can run here.");
export type BoardStatus = z.infer<typeof boardStatus>;

export const firmwareRecord = z
  .strictObject({ sha256, sizeBytes: z.number().int(), isNew: z.boolean().describe("False when the store had it.") })
  .describe("Firmware in the store.");
export type FirmwareRecord = z.infer<typeof firmwareRecord>;
