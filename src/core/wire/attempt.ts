import { z } from "zod";
import { errorBody } from "../error/error-body.ts";
import { boardSpec } from "../schema/board.ts";
import { BOOT_STRATEGIES } from "../schema/boot-strategy.ts";
import { firmwareReference, jobOptions } from "../schema/job.ts";
import { objectName } from "../schema/metadata.ts";
import { exitReason, verdictName } from "../verdict.ts";
import { attemptArtifact } from "./artifact.ts";

/** Identity of an attempt: `<job id>.<attempt number>`, such as `r3k9x-000042.1`. */
export const attemptId = z
  .string()
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*\.[1-9]\d*$/, "must be a job id, a dot and the attempt's number")
  .max(120)
  .describe("Id of the attempt: job id, a dot, number of the attempt.");

/** Where the agent fetches a file that it does not have, by digest. A signed URL, good for the attempt's life. */
const fetchUrls = z.record(z.string(), z.url()).describe("Signed URL for each digest that the attempt needs.");

/** Body of `PUT /v1/attempts/{id}` on the agent: all that is needed to run one try at a job. */
export const attemptSpec = z
  .strictObject({
    tenant: z.string().min(1).describe("Tenant that the attempt belongs to."),
    boardName: objectName.describe("Name of the board, for reports."),
    board: boardSpec,
    firmware: firmwareReference,
    urls: fetchUrls.default({}),
    ...jobOptions,
    leaseMs: z
      .number()
      .int()
      .positive()
      .default(60_000)
      .describe(
        "How long the result is kept at least once the attempt has ended, unless acknowledged. The slot is free as soon as the emulator has gone; a running attempt needs no lease.",
      ),
  })
  .describe("One try at a job, as the dispatcher hands it to an agent.");

export type AttemptSpec = z.infer<typeof attemptSpec>;
export type AttemptSpecInput = z.input<typeof attemptSpec>;

export const testCase = z
  .strictObject({
    suite: z.string().describe("Suite or file of the test case."),
    name: z.string().describe("Name of the test case."),
    outcome: z.enum(["passed", "failed", "skipped"]).describe("Outcome."),
    message: z.string().optional().describe("Why it failed or was skipped."),
    file: z.string().optional().describe("Source file."),
    line: z.number().int().optional().describe("Line in the source file."),
    durationMs: z.number().optional().describe("Duration in ms, where the output tells it."),
  })
  .describe("A test case that a monitor has found in the output.");
export type TestCase = z.infer<typeof testCase>;

export const stepResult = z
  .strictObject({
    index: z.number().int().describe("Place in the scenario, from 0."),
    title: z.string().describe("The step in words."),
    outcome: z.enum(["passed", "failed", "timedOut", "notReached"]).describe("Outcome."),
    startedMs: z.number().optional().describe("Start, in ms since the start of the attempt."),
    durationMs: z.number().optional().describe("Duration in ms."),
    clock: z.enum(["wall", "guest"]).describe("Clock of its timeout."),
  })
  .describe("What became of a step.");
export type StepResult = z.infer<typeof stepResult>;

/** Logs up to this size travel inside the result; larger ones are fetched from the agent. */
export const INLINE_LOG_BYTES = 16 * 1024;

export const uartLog = z
  .strictObject({
    uart: objectName.describe("UART."),
    bytes: z.number().int().describe("Bytes that the guest wrote."),
    keptBytes: z.number().int().describe("Bytes that the log kept: the first and the last 8 MiB."),
    base64: z.string().optional().describe("The log itself, in base64, where it is at most 16 KiB."),
  })
  .describe("Log of a UART.");
export type UartLog = z.infer<typeof uartLog>;

export const cpuState = z
  .strictObject({
    registers: z.string().describe("Registers, as the emulator prints them."),
    frames: z
      .array(
        z.strictObject({
          address: z.string().describe("Address in hexadecimal."),
          function: z.string().optional().describe("Function that it lies in."),
          file: z.string().optional().describe("Source file, where the firmware has DWARF."),
          line: z.number().int().optional().describe("Line in it."),
        }),
      )
      .describe("Where the CPU was; then what it may have been called from, by link register and stack."),
  })
  .describe("Where a CPU was.");
export type CpuState = z.infer<typeof cpuState>;

export const guestExit = z
  .strictObject({
    reason: exitReason,
    code: z.number().int().optional().describe("Exit code of the guest, where it gave one."),
    signal: z.string().optional().describe("Signal that ended the emulator."),
    detail: z.string().optional().describe("What the emulator said on stderr, its last lines."),
    place: z.string().optional().describe("Where it crashed, in words: function, file and line, and the caller."),
    cpu: cpuState.optional().describe("The CPU at a crash, where the emulator told it."),
  })
  .describe("How the guest's last boot ended.");
export type GuestExit = z.infer<typeof guestExit>;

export const attemptResult = z
  .strictObject({
    verdict: verdictName,
    error: errorBody.optional().describe("Why it is not passed."),
    exit: guestExit.optional(),
    steps: z.array(stepResult).describe("What became of each step of the scenario."),
    testCases: z.array(testCase).describe("Test cases that the monitors found."),
    logs: z.array(uartLog).describe("Log of each UART."),
    artifacts: z.array(attemptArtifact).optional().describe("Files that the scenario made; absent: none."),
    lastLines: z.array(z.string()).describe("The last lines of the console, for a report on the spot."),
    resets: z.number().int().describe("Resets of the guest."),
    boots: z.number().int().describe("Boots of the guest."),
    emulator: z
      .strictObject({
        binary: z.string().describe("Program."),
        version: z.string().describe("Version."),
        accelerator: z.string().describe("Accelerator in use."),
        strategy: z.enum(BOOT_STRATEGIES).optional().describe("How its last boot was made."),
      })
      .optional()
      .describe("Emulator that ran the guest."),
    startedAt: z.iso.datetime().describe("Start of the attempt."),
    timings: z
      .strictObject({
        totalMs: z.number().describe("From acceptance to the verdict."),
        preparedMs: z.number().optional().describe("Until firmware was there and checked."),
        spawnedMs: z.number().optional().describe("Until the emulator was started."),
        firstByteMs: z.number().optional().describe("Until the first byte of a UART."),
        runningMs: z.number().optional().describe("Until the emulator's QMP answered."),
        readyMs: z.number().optional().describe("Until the board's ready pattern."),
      })
      .describe("Milliseconds since the agent took the attempt, by its monotonic clock."),
  })
  .describe("What became of an attempt.");
export type AttemptResult = z.infer<typeof attemptResult>;

export const attemptState = z
  .enum(["preparing", "running", "finished"])
  .describe("preparing: firmware is fetched and checked; running: a guest runs; finished: the result stands.");

export const attemptStatus = z
  .strictObject({
    id: attemptId,
    specDigest: z.string().describe("SHA-256 of the spec, which tells a repeated PUT from a conflicting one."),
    state: attemptState,
    result: attemptResult.optional().describe("Once finished."),
  })
  .describe("An attempt on the agent.");
export type AttemptStatus = z.infer<typeof attemptStatus>;
