import { z } from "zod";
import { exitReason, verdictName } from "../verdict.ts";
import { FIRMWARE_FORMATS } from "./board.ts";
import { jobStrategy, readyPattern } from "./boot-strategy.ts";
import { duration } from "./duration.ts";
import { objectName, sha256 } from "./metadata.ts";
import { scenario } from "./scenario.ts";

const firmwareFile = z
  .strictObject({
    sha256,
    name: z.string().max(255).optional().describe("Name of the file, for reports."),
  })
  .describe("A file in the store.");

/** Firmware of a job: bytes in the store, by digest. */
export const firmwareReference = z
  .strictObject({
    sha256,
    name: z.string().max(255).optional().describe("Name of the file, for reports."),
    format: z.enum(FIRMWARE_FORMATS).optional().describe("Format; default: found from the bytes."),
    initrd: firmwareFile.optional().describe("Initial RAM disk, for format linux."),
    dtb: firmwareFile.optional().describe("Device tree, for format linux."),
    append: z.string().max(2_048).optional().describe("Kernel command line, for format linux."),
  })
  .describe("Firmware in the store, by digest.");

export type FirmwareReference = z.infer<typeof firmwareReference>;

const jobLimits = z
  .strictObject({
    output: z
      .number()
      .int()
      .positive()
      .default(64 * 1024 * 1024)
      .describe("Most bytes that the guest may write on all UARTs together."),
    resets: z.number().int().min(0).default(20).describe("Most resets of the guest; one more is a reset loop."),
  })
  .describe("Limits of the guest.");

/** What people choose about a job, apart from its firmware. */
export const jobOptions = {
  name: z.string().min(1).max(255).optional().describe("Name of the test, for reports; default: firmware and board."),
  scenario: scenario
    .optional()
    .describe("Steps and checks. Without one, the guest's own end gives the verdict: exit code 0 or power-off passes."),
  expectText: z.string().min(1).optional().describe("Passes when this text appears on any UART."),
  failText: z.string().min(1).optional().describe("Fails when this text appears on any UART."),
  paused: z
    .boolean()
    .optional()
    .describe("True starts with the CPU stopped, for a debugger; the timeout stands still until that lets it run."),
  timeout: duration.default("30s").describe("Deadline of an attempt, from its start, times the board's multiplier."),
  retries: z
    .strictObject({
      infrastructure: z.number().int().min(0).max(10).default(2).describe("Retries after the farm's own failures."),
      test: z
        .number()
        .int()
        .min(0)
        .max(10)
        .default(0)
        .describe("Retries of a failed test; a pass then is reported flaky."),
    })
    .prefault({})
    .describe("How often a job is tried again."),
  limits: jobLimits.prefault({}),
  onReset: z
    .enum(["continue", "end"])
    .default("continue")
    .describe("What a reset by the guest means: it goes on, or it is the end."),
  network: z
    .enum(["none", "isolated", "egress"])
    .default("none")
    .describe("Network of the guest: none, a network that leads nowhere, or one that reaches out."),
  strategy: jobStrategy,
  ready: readyPattern
    .optional()
    .describe("What says that this firmware is up, in place of the board's own pattern; snapshots are taken there."),
  expect: z
    .strictObject({
      verdict: verdictName.default("passed"),
      reason: exitReason.optional(),
    })
    .optional()
    .describe("What the job is meant to end as, for tests of failure; default: passed."),
  labels: z.record(z.string(), z.string()).optional().describe("Labels, carried into reports."),
};

export const jobSpec = z
  .strictObject({
    ...jobOptions,
    board: objectName.describe("Board to run on."),
    firmware: firmwareReference,
    priority: z.number().int().min(0).max(100).default(50).describe("Priority in the tenant's queue; 0 is soonest."),
    pool: objectName.optional().describe("Pool to run in; default: the first one that has the board."),
  })
  .describe("Firmware, board, scenario and timeouts: one verdict.");

export type JobSpec = z.infer<typeof jobSpec>;
export type JobSpecInput = z.input<typeof jobSpec>;

/** Where a job stands. `finished` has a verdict. */
export const JOB_STATES = ["waiting", "running", "finished"] as const;
