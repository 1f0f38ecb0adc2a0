import { basename } from "node:path";
import type { JobSpec } from "../../core/schema/job.ts";
import type { RunFile } from "../../core/schema/run.ts";
import type { Scenario } from "../../core/schema/scenario.ts";

type Entry = RunFile["spec"]["jobs"][number];
type Matrix = RunFile["spec"]["matrix"][number];

/** A part of a job's entry in its run file, or all of it. */
export type JobPart = "board" | "firmware" | "scenario" | "entry";

/** A job as a run file says it, with paths instead of digests. */
export interface PlannedJob {
  readonly name: string;
  /** Name in its file, without the number of a repetition. */
  readonly ownName: string;
  readonly board: string;
  readonly firmware: {
    readonly path: string;
    readonly initrd?: string;
    readonly dtb?: string;
    readonly append?: string;
  };
  /** Path of a scenario file, or a scenario. */
  readonly scenario?: string | Scenario;
  /** Where in the file the job, and each part of it, is said. */
  readonly places: Readonly<Record<JobPart, string>>;
  readonly options: Omit<JobSpec, "name" | "board" | "firmware" | "scenario" | "priority" | "pool">;
}

/** Every job of a run file, in its order: combinations, single jobs, and all of that as often as asked. */
export function planJobs({ spec }: RunFile, repeat = spec.repeat): PlannedJob[] {
  const once = [...spec.matrix.flatMap(combinations), ...spec.jobs.map(single)];
  if (repeat === 1) return once;
  return Array.from({ length: repeat }, (_, round) =>
    once.map((job) => ({ ...job, name: `${job.name} #${round + 1}` })),
  ).flat();
}

/** The i-th of n parts, counted from 1; every job is in just one of them. */
export function shardOf<Job>(jobs: readonly Job[], { index, count }: { index: number; count: number }): Job[] {
  return jobs.filter((_job, place) => place % count === index - 1);
}

function single(job: Entry, place: number): PlannedJob {
  const entry = `spec.jobs.${place}`;
  const places = { entry, board: `${entry}.board`, firmware: `${entry}.firmware`, scenario: `${entry}.scenario` };
  return plan(job, job.name, places);
}

function combinations({ boards, firmware, scenarios, name, ...options }: Matrix, place: number): PlannedJob[] {
  const entry = `spec.matrix.${place}`;
  const scenariosOrNone = scenarios.length > 0 ? scenarios : [undefined];
  return boards.flatMap((board, boardAt) =>
    firmware.flatMap((image, imageAt) =>
      scenariosOrNone.map((scenario, scenarioAt) => {
        const parts = [
          name,
          firmware.length > 1 || name === undefined ? imageName(image) : undefined,
          scenariosOrNone.length > 1 || name === undefined ? scenarioName(scenario) : undefined,
        ];
        const label = [...new Set(parts.filter((part) => part !== undefined))].join(" ");
        const places = {
          entry,
          board: `${entry}.boards.${boardAt}`,
          firmware: `${entry}.firmware.${imageAt}`,
          scenario: `${entry}.scenarios.${scenarioAt}`,
        };
        return plan({ ...options, board, firmware: image, ...(scenario !== undefined && { scenario }) }, label, places);
      }),
    ),
  );
}

function plan(entry: Omit<Entry, "name">, label: string | undefined, places: PlannedJob["places"]): PlannedJob {
  const { board, firmware, scenario, ...options } = entry;
  const onBoard = (path: string) => path.replaceAll("{board}", board);
  const files = typeof firmware === "string" ? { path: firmware } : firmware;
  const name = label ?? imageName(firmware);
  return {
    name,
    ownName: name,
    board,
    firmware: {
      path: onBoard(files.path),
      ...(files.initrd !== undefined && { initrd: onBoard(files.initrd) }),
      ...(files.dtb !== undefined && { dtb: onBoard(files.dtb) }),
      ...(files.append !== undefined && { append: files.append }),
    },
    ...(scenario !== undefined && { scenario: typeof scenario === "string" ? onBoard(scenario) : scenario }),
    places,
    options,
  };
}

function imageName(firmware: Entry["firmware"]): string {
  const path = typeof firmware === "string" ? firmware : firmware.path;
  return basename(path).replace(/\.(elf|bin|hex|img)$/, "");
}

function scenarioName(scenario: Entry["scenario"]): string | undefined {
  if (typeof scenario !== "string") return scenario?.name;
  return basename(scenario).replace(/(\.scenario|\.test)?\.ya?ml$/, "");
}
