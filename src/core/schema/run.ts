import { z } from "zod";
import { verdictName } from "../verdict.ts";
import { jobOptions, jobSpec } from "./job.ts";
import { API_VERSION, metadata, objectName } from "./metadata.ts";

export const MAX_JOBS_PER_RUN = 100_000;

/** A run as it is submitted to the API: firmware is in the store already. */
export const runSpec = z
  .strictObject({
    name: z.string().min(1).max(255).optional().describe("Name of the run, for reports."),
    jobs: z.array(jobSpec).min(1).max(MAX_JOBS_PER_RUN).describe("The jobs."),
    labels: z.record(z.string(), z.string()).optional().describe("Labels, carried into reports."),
  })
  .describe("Many jobs submitted together, one report.");

export type RunSpec = z.infer<typeof runSpec>;
export type RunSpecInput = z.input<typeof runSpec>;

const firmwarePath = z
  .union([
    z.string().min(1).describe("Path of the image, relative to the file; {board} stands for the board's name."),
    z
      .strictObject({
        path: z
          .string()
          .min(1)
          .describe("Path of the image, relative to the file; {board} stands for the board's name."),
        initrd: z.string().optional().describe("Path of the initial RAM disk."),
        dtb: z.string().optional().describe("Path of the device tree."),
        append: z.string().optional().describe("Kernel command line."),
      })
      .describe("An image with what belongs to it."),
  ])
  .describe("Image: a path, or a path with what belongs to it.");

const scenarioPath = z
  .union([z.string().min(1), jobOptions.scenario.unwrap()])
  .describe("Path of a scenario file, relative to this file, or a scenario in place.");

const { scenario: _scenario, ...plainJobOptions } = jobOptions;

/** A job in a run file: local paths, no digests. */
const runFileJob = z
  .strictObject({
    ...plainJobOptions,
    board: objectName.describe("Board to run on."),
    firmware: firmwarePath,
    scenario: scenarioPath.optional(),
  })
  .describe("One job.");

const matrix = z
  .strictObject({
    ...plainJobOptions,
    boards: z.array(objectName).min(1).describe("Boards."),
    firmware: z.array(firmwarePath).min(1).describe("Images."),
    scenarios: z.array(scenarioPath).default([]).describe("Scenarios; none: the guest's own end gives the verdict."),
  })
  .describe("Every combination of boards, firmware and scenarios.");

/** A run as a file that `emufarm test` reads: local paths instead of digests. */
export const runFile = z
  .strictObject({
    apiVersion: z.literal(API_VERSION).describe("API group and version."),
    kind: z.literal("Run").describe("Run."),
    metadata,
    spec: z
      .strictObject({
        matrix: z.array(matrix).default([]).describe("Combinations; each adds its jobs."),
        jobs: z.array(runFileJob).default([]).describe("Single jobs."),
        repeat: z.number().int().min(1).max(10_000).default(1).describe("How often each job is run."),
      })
      .refine((spec) => spec.matrix.length + spec.jobs.length > 0, { message: "needs matrix, jobs or both" })
      .describe("What to run."),
  })
  .describe("Tests to run together: a matrix of boards, firmware and scenarios, and single jobs.");

export type RunFile = z.infer<typeof runFile>;
export type RunFileInput = z.input<typeof runFile>;

/** How many jobs of a run stand where. */
export const runTotals = z
  .strictObject({
    total: z.number().int().describe("Jobs in the run."),
    waiting: z.number().int().describe("Jobs that wait for a slot."),
    running: z.number().int().describe("Jobs that run."),
    verdicts: z.record(verdictName, z.number().int()).describe("Finished jobs by verdict."),
    unexpected: z.number().int().describe("Finished jobs whose verdict is not the expected one."),
    flaky: z.number().int().describe("Jobs that passed after a failed attempt."),
    skipped: z.number().int().describe("Jobs whose board is not available here; they end as errored with that reason."),
  })
  .describe("Totals of a run.");

export type RunTotals = z.infer<typeof runTotals>;
