import { glob, stat } from "node:fs/promises";
import { basename, dirname, relative, resolve } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import { readRunFile } from "../farm/documents.ts";
import { readEach } from "../farm/read-each.ts";
import { type PlannedJob, planJobs, shardOf } from "./planned-job.ts";

export interface RunChoice {
  readonly shard?: { readonly index: number; readonly count: number };
  readonly repeat?: number;
  /** Only jobs with this in their name or board. */
  readonly only?: string;
}

/** A planned job with the run file it comes from. */
export interface PlacedJob extends PlannedJob {
  readonly file: string;
}

/** Everything that one call of `emufarm test` runs. */
export interface RunPlan {
  readonly name: string;
  readonly jobs: readonly PlacedJob[];
}

/**
 * The jobs of a run file, or of every run file under a folder, in one run.
 * @throws {FarmError} NotFound, InvalidDocument, InvalidRequest where nothing is left to run
 */
export async function planRun(path: string, cwd: string, choice: RunChoice): Promise<RunPlan> {
  const files = await runFilesAt(path);
  const runs = await readEach(files, async (file) => ({ file, run: await readRunFile(file, relative(cwd, file)) }));
  const all = runs.flatMap(({ file, run }) => {
    const prefix = runs.length > 1 ? `${run.metadata.name}: ` : "";
    return planJobs(run, choice.repeat).map((job) => ({
      ...job,
      file,
      name: `${prefix}${job.name}`,
    }));
  });
  const isWanted = ({ name, ownName, board }: PlacedJob) =>
    choice.only === undefined || [name, ownName].some((one) => `${one} ${board}`.includes(choice.only ?? ""));
  const wanted = all.filter(isWanted);
  const jobs = choice.shard ? shardOf(wanted, choice.shard) : wanted;
  if (jobs.length === 0) {
    const problems = choice.only === undefined ? "this part has no job" : `no job has "${choice.only}" in its name`;
    throw new FarmError("InvalidRequest", { problems });
  }
  const single = runs.length === 1 ? runs[0]?.run.metadata.name : undefined;
  return { name: single ?? basename(resolve(path)), jobs };
}

async function runFilesAt(path: string): Promise<string[]> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new FarmError("NotFound", { kind: "file or folder", name: path }, { cause });
  });
  if (!found.isDirectory()) return [path];
  const files: string[] = [];
  for await (const file of glob("**/*.run.yaml", { cwd: path })) files.push(file);
  files.sort();
  if (files.length > 0) return files.map((file) => resolve(path, file));
  throw new FarmError("NotFound", { kind: "run file (*.run.yaml) in", name: path });
}

/** Folder that the paths of a job are relative to. */
export function folderOf({ file }: PlacedJob): string {
  return dirname(file);
}
