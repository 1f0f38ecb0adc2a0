import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { basename, relative, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import type { FarmClient } from "../../client/farm-client.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import type { FirmwareReference, JobSpecInput } from "../../core/schema/job.ts";
import type { Scenario } from "../../core/schema/scenario.ts";
import type { RunRecord } from "../../core/wire/farm.ts";
import { readScenario, scenarioProblem } from "../farm/documents.ts";
import { folderOf, type PlacedJob, type RunPlan } from "./run-plan.ts";

/**
 * Uploads each file once and submits everything as one run.
 * @throws {FarmError} UnknownBoard, NotFound for a file that is not there, and what the farm answers
 */
export async function submit(farm: FarmClient, plan: RunPlan, cwd: string): Promise<RunRecord> {
  // A misspelt name is told as such, before a path that has it in it is looked for.
  await Promise.all([...new Set(plan.jobs.map(({ board }) => board))].map((board) => farm.board(board)));
  const digests = new Once((path: string) => upload(farm, path, cwd));
  const scenarios = new Once((path: string) => readScenario(path, relative(cwd, path)));
  const jobs = await Promise.all(plan.jobs.map((job) => jobSpec(job, digests, scenarios)));
  try {
    return await farm.submitRun({ name: plan.name, jobs }, randomUUID());
  } catch (error) {
    throw await placed(error, plan, cwd);
  }
}

/** A refusal with the file that it is about, where it is about a scenario. */
async function placed(error: unknown, plan: RunPlan, cwd: string): Promise<unknown> {
  const job = error instanceof FarmError ? plan.jobs[Number(error.details.job)] : undefined;
  if (typeof job?.scenario !== "string") return error;
  const path = resolve(folderOf(job), job.scenario);
  return scenarioProblem(error, path, relative(cwd, path));
}

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

async function jobSpec(
  job: PlacedJob,
  digests: Once<{ sha256: string; name: string }>,
  scenarios: Once<Scenario>,
): Promise<JobSpecInput> {
  const at = (path: string) => resolve(folderOf(job), path);
  const { path, initrd, dtb, append } = job.firmware;
  const [image, initrdFile, dtbFile] = await Promise.all([
    digests.get(at(path)),
    initrd === undefined ? undefined : digests.get(at(initrd)),
    dtb === undefined ? undefined : digests.get(at(dtb)),
  ]);
  const isLinux = initrdFile !== undefined || dtbFile !== undefined || append !== undefined;
  const firmware: FirmwareReference = {
    ...image,
    ...(isLinux && { format: "linux" }),
    ...(initrdFile && { initrd: initrdFile }),
    ...(dtbFile && { dtb: dtbFile }),
    ...(append !== undefined && { append }),
  };
  const scenario = typeof job.scenario === "string" ? await scenarios.get(at(job.scenario)) : job.scenario;
  return { ...job.options, name: job.name, board: job.board, firmware, ...(scenario && { scenario }) };
}
