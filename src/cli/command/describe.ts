import type { FarmClient } from "../../client/farm-client.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import type { BoardStatus, JobRecord, RunRecord } from "../../core/wire/farm.ts";
import { areInstancesOnCluster } from "../channel/where-instances.ts";
import { isClusterWanted } from "../cluster/cluster-wanted.ts";
import { EXIT } from "../exit-code.ts";
import { connectFarm, findFarm } from "../farm/find-farm.ts";
import { followUp } from "../farm/follow-up.ts";
import { painter } from "../screen/style.ts";
import type { Surroundings } from "../surroundings.ts";
import { boardText } from "./board-text.ts";
import { JOB_ID, RUN_ID } from "./farm-ids.ts";
import { type FollowUp, jobText, type Unfinished } from "./job-text.ts";
import { type JsonOptions, jsonText } from "./json-option.ts";
import { runText } from "./run-text.ts";

const MOST_UNEXPECTED = 10;

/** `emufarm describe`: all that is known about a job, a run, a board, an instance or another object of a cluster. */
export async function describe(
  surroundings: Surroundings,
  what: string,
  name: string | undefined,
  options: JsonOptions,
): Promise<number> {
  if (name !== undefined || what.includes("/")) return await describeInCluster(surroundings, what, name, options);
  if (await isInstanceHere(surroundings, what, options)) {
    return await (await import("../instance/describe-instance.ts")).describeInstance(surroundings, what, options);
  }
  surroundings.stdout.write(await descriptionOf(surroundings, what, options));
  return EXIT.passed;
}

/** A name alone is that of a board first. */
async function isInstanceHere(surroundings: Surroundings, name: string, options: JsonOptions): Promise<boolean> {
  if (JOB_ID.test(name) || RUN_ID.test(name) || isClusterWanted(surroundings, options)) return false;
  if (!(await findFarm(surroundings, options))) return false;
  await using farm = await connectFarm(surroundings, options);
  const instances = await farm.instances.list();
  if (!instances.some(({ metadata }) => metadata.name === name)) return false;
  return !(await farm.boards()).some((board) => board.name === name);
}

async function describeInCluster(
  surroundings: Surroundings,
  what: string,
  name: string | undefined,
  options: JsonOptions,
): Promise<number> {
  const { objectAsked } = await import("../cluster/object-kind.ts");
  const asked = objectAsked(name === undefined ? what : `${what}/${name}`);
  if (asked?.kind.kind === "EmulatorInstance" && !(await areInstancesOnCluster(surroundings, options))) {
    return await (await import("../instance/describe-instance.ts")).describeInstance(surroundings, asked.name, options);
  }
  if (asked) return await (await import("../cluster/describe-object.ts")).describeObject(surroundings, asked, options);
  const problems = `${what} is no kind of object: emu, emupool, brd or cbrd, as in emu/NAME`;
  throw new FarmError("InvalidRequest", { problems });
}

async function descriptionOf(surroundings: Surroundings, what: string, options: JsonOptions): Promise<string> {
  const next: FollowUp = (...words) => followUp(surroundings, options, words);
  if (JOB_ID.test(what)) {
    await using farm = await connectFarm(surroundings, options);
    const job = await farm.job(what);
    if (options.json) return jsonText(job);
    return jobText(job, await unfinishedOf(farm, job), next, painter(surroundings.stdout, surroundings.env));
  }
  if (RUN_ID.test(what)) {
    await using farm = await connectFarm(surroundings, options);
    const run = await farm.run(what);
    if (options.json) return jsonText(run);
    const paint = painter(surroundings.stdout, surroundings.env);
    return runText(run, await unexpectedJobs(farm, run), next, paint);
  }
  const board = await boardOf(surroundings, what, options).catch((error: unknown) => {
    if (!(error instanceof FarmError) || error.code !== "UnknownBoard") throw error;
    const hint = ` It is no instance and no id of a run or job either.${error.details.hint}`;
    throw new FarmError("UnknownBoard", { board: what, hint }, { cause: error });
  });
  return options.json ? jsonText(board) : boardText(board);
}

async function unfinishedOf(farm: FarmClient, job: JobRecord): Promise<Unfinished | undefined> {
  if (job.verdict) return undefined;
  const [run, boards] = await Promise.all([farm.run(job.runId), farm.boards()]);
  const elapsedMs = Math.max(0, Date.now() - Date.parse(run.createdAt));
  return { elapsedMs, board: boards.find(({ name }) => name === job.spec.board) };
}

/** The first jobs that did not end as they were meant to. */
async function unexpectedJobs(farm: FarmClient, { id, totals }: RunRecord): Promise<JobRecord[]> {
  const count = Math.min(totals.unexpected, MOST_UNEXPECTED);
  const found: JobRecord[] = [];
  if (count === 0) return found;
  for await (const job of farm.jobs(id)) {
    if (job.verdict && !job.verdict.isExpected && !job.verdict.isSkipped) found.push(job);
    if (found.length === count) break;
  }
  return found;
}

/** Of the farm where one is up; boards are files, and can be told of without one. */
async function boardOf(surroundings: Surroundings, name: string, options: JsonOptions): Promise<BoardStatus> {
  const address = await findFarm(surroundings, options);
  if (!address) return (await import("../farm/boards-here.ts")).findBoardHere(surroundings, name, options);
  await using farm = await connectFarm(surroundings, options);
  return await farm.board(name);
}
