import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { basename, relative, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import type { FarmClient } from "../../client/farm-client.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import type { FirmwareReference, JobSpecInput } from "../../core/schema/job.ts";
import type { Scenario } from "../../core/schema/scenario.ts";
import type { BoardStatus, RunRecord } from "../../core/wire/farm.ts";
import { readScenario } from "../farm/documents.ts";
import { withPictures } from "../farm/pictures-beside.ts";
import { type JobProblem, jobProblem, planProblem, problemsOfRefusal } from "./job-problem.ts";
import type { JobPart } from "./planned-job.ts";
import { folderOf, type PlacedJob, type RunPlan } from "./run-plan.ts";

/** SHA-256 of no bytes, in the place of an image that is not there. */
const NOTHING = createHash("sha256").digest("hex");

/**
 * Uploads each file once and submits everything as one run.
 * @throws {FarmError} InvalidDocument with every job that has something wrong and its place; what the farm answers
 */
export async function submit(farm: FarmClient, plan: RunPlan, cwd: string): Promise<RunRecord> {
  const problems: JobProblem[] = [];
  const files: Files = {
    boards: new Once((name: string) => farm.board(name)),
    digests: new Once((path: string) => upload(farm, path, cwd)),
    scenarios: new Once((path: string) => readScenario(path, relative(cwd, path))),
  };
  const jobs = await Promise.all(
    plan.jobs.map(async (job, index) => {
      const attempt: Try = async (part, work) => {
        try {
          return await work();
        } catch (error) {
          if (!(error instanceof FarmError) || error.class !== "job") throw error;
          problems.push(jobProblem(index, error, part));
          return undefined;
        }
      };
      return await jobSpec(job, files, attempt);
    }),
  );
  if (problems.length > 0) throw await planProblem(plan, problems, cwd);
  try {
    return await farm.submitRun({ name: plan.name, jobs: jobs.filter((job) => job !== undefined) }, randomUUID());
  } catch (error) {
    const refused = problemsOfRefusal(error);
    throw refused.length === 0 ? error : await planProblem(plan, refused, cwd);
  }
}

/** What the jobs of a plan share, each asked for once. */
interface Files {
  readonly boards: Once<BoardStatus>;
  readonly digests: Once<{ sha256: string; name: string }>;
  readonly scenarios: Once<Scenario>;
}

/** Does what a part of a job needs; undefined where that is not as it should be, which is noted. */
type Try = <Value>(part: JobPart, work: () => Promise<Value>) => Promise<Value | undefined>;

/** Does a thing once for each path, however many ask. */
class Once<Value> {
  readonly #done = new Map<string, Promise<Value>>();
  readonly #work: (path: string) => Promise<Value>;

  constructor(work: (path: string) => Promise<Value>) {
    this.#work = work;
  }

  get(path: string): Promise<Value> {
    const known = this.#done.get(path);
    if (known) return known;
    const value = this.#work(path);
    this.#done.set(path, value);
    return value;
  }
}

async function upload(farm: FarmClient, path: string, cwd: string): Promise<{ sha256: string; name: string }> {
  try {
    const sha256 = await digestOf(path);
    await farm.upload(sha256, () => createReadStream(path));
    return { sha256, name: basename(path) };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
    throw new FarmError("NotFound", { kind: "file", name: relative(cwd, path) }, { cause });
  }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

async function jobSpec(job: PlacedJob, files: Files, attempt: Try): Promise<JobSpecInput | undefined> {
  // A misspelt name is told as such, before a path that has it in it is looked for.
  const board = await attempt("board", () => files.boards.get(job.board));
  if (!board) return undefined;
  const [firmware, scenario] = await Promise.all([
    attempt("firmware", () => firmwareOf(job, board, files.digests)),
    attempt("scenario", async () => ({ scenario: await scenarioOf(job, files.scenarios) })),
  ]);
  if (!firmware || !scenario) return undefined;
  const given = scenario.scenario && { scenario: scenario.scenario };
  return { ...job.options, name: job.name, board: job.board, firmware, ...given };
}

async function firmwareOf(job: PlacedJob, board: BoardStatus, digests: Files["digests"]): Promise<FirmwareReference> {
  const at = async (path: string) => {
    try {
      return await digests.get(resolve(folderOf(job), path));
    } catch (error) {
      // Nobody will run it: the job is skipped, and told with what its board lacks, not with a file.
      const isMissing = error instanceof FarmError && error.code === "NotFound";
      if (isMissing && !board.isAvailable) return { sha256: NOTHING, name: basename(path) };
      throw error;
    }
  };
  const { path, initrd, dtb, append } = job.firmware;
  const [image, initrdFile, dtbFile] = await Promise.all([
    at(path),
    initrd === undefined ? undefined : at(initrd),
    dtb === undefined ? undefined : at(dtb),
  ]);
  const isLinux = initrdFile !== undefined || dtbFile !== undefined || append !== undefined;
  return {
    ...image,
    ...(isLinux && { format: "linux" }),
    ...(initrdFile && { initrd: initrdFile }),
    ...(dtbFile && { dtb: dtbFile }),
    ...(append !== undefined && { append }),
  };
}

async function scenarioOf(job: PlacedJob, scenarios: Files["scenarios"]): Promise<Scenario | undefined> {
  if (typeof job.scenario !== "string") return job.scenario && (await withPictures(job.scenario, folderOf(job)));
  return await scenarios.get(resolve(folderOf(job), job.scenario));
}
