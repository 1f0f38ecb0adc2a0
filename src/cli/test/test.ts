import { relative, resolve } from "node:path";
import { createFarmClient, type FarmClient } from "../../client/farm-client.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import type { RunRecord } from "../../core/wire/farm.ts";
import { EXIT } from "../exit-code.ts";
import { tellAbsence } from "../farm/absence.ts";
import { type FarmAddress, findFarm } from "../farm/find-farm.ts";
import { followUp, upCommand } from "../farm/follow-up.ts";
import { tellWaiting } from "../farm/tell-waiting.ts";
import type { FarmOptions } from "../farm-options.ts";
import { tellInterruption } from "../interruption.ts";
import { checkWritable, saveBytes } from "../screen/bytes-output.ts";
import { describeFailure } from "../screen/failure.ts";
import { painter } from "../screen/style.ts";
import type { Surroundings } from "../surroundings.ts";
import { plainView, remark } from "./plain-view.ts";
import { type PlacedJob, planRun, type RunPlan } from "./run-plan.ts";
import { type FollowedJob, RunState } from "./run-state.ts";
import type { RunView } from "./run-view.ts";
import { submit } from "./submission.ts";
import { totalsText } from "./totals.ts";

interface TestOptions extends FarmOptions {
  readonly shard?: string;
  readonly repeat?: number;
  readonly only?: string;
  readonly jobs?: number;
  readonly junit?: string;
  readonly artifacts?: string;
  readonly json?: true;
}

/** `emufarm test`: the tests of a file or folder, on the running farm or on one of this call's own. */
export async function test(surroundings: Surroundings, path: string, options: TestOptions): Promise<number> {
  const found = await findFarm(surroundings, options);
  if (found) return testOnFarm(surroundings, found, path, options);
  const { startPrivateFarm } = await import("../farm/private-farm.ts");
  // A bad file is told before a farm is started for it.
  await planRun(resolve(surroundings.cwd, path), surroundings.cwd, choiceOf(options));
  const stopping = "stopping the run, and the farm that was started for it";
  const { interrupted, stderr } = surroundings;
  const telling = tellInterruption(interrupted, (text) => stderr.write(`emufarm: ${text}\n`), stopping);
  await using farm = await startPrivateFarm(surroundings, { slots: options.jobs, data: options.data });
  telling[Symbol.dispose]();
  return await testOnFarm(surroundings, farm, path, { ...options, stay: "private", stopping });
}

interface TestOnFarmOptions extends Omit<TestOptions, "jobs"> {
  /**
   * What becomes of the farm after this call. private: it goes with all that it knows; ending: it ends, and knows all
   * once it is up again. Default: it stays up.
   */
  readonly stay?: "private" | "ending";
  /** What an interruption stops, in words. Default: the run alone. */
  readonly stopping?: string;
}

/** Runs tests on a farm, shows them, and writes the report. */
export async function testOnFarm(
  surroundings: Surroundings,
  address: FarmAddress,
  path: string,
  options: TestOnFarmOptions,
): Promise<number> {
  const { cwd, interrupted, stdout, stderr } = surroundings;
  const plan = await planRun(resolve(cwd, path), cwd, choiceOf(options));
  if (options.junit !== undefined) await checkWritable(surroundings, options.junit);
  await using farm = createFarmClient(address);
  const run = await submit(farm, plan, cwd);
  const cancel = () => {
    // Where the farm is gone there is nothing left to cancel.
    farm.cancelRun(run.id, "interrupted by the caller").catch(() => {});
  };
  interrupted.addEventListener("abort", cancel, { once: true });
  if (interrupted.aborted) cancel();
  try {
    const state = await follow(surroundings, farm, run, plan, options);
    if (options.artifacts !== undefined) await saveArtifacts(farm, state, resolve(cwd, options.artifacts));
    if (options.junit !== undefined) await saveBytes(surroundings, options.junit, farm.junit(run.id));
    if (!options.json) {
      // The table has said the totals already, and stays.
      const totals = hasTable(surroundings) ? "" : `${totalsText(state, painter(stdout, surroundings.env))}\n`;
      const report = options.junit === undefined ? "" : `JUnit report: ${options.junit}\n`;
      stdout.write(`${totals}${report}${whatNext(surroundings, run, options)}`);
    }
    if (interrupted.aborted) return EXIT.interrupted;
    if (state.isAllSkipped) stderr.write("emufarm: nothing ran: no board of this run is available here\n");
    return state.isPassed ? EXIT.passed : EXIT.failed;
  } finally {
    interrupted.removeEventListener("abort", cancel);
  }
}

/** When all have finished: a job's files are there until the retention takes the run. */
async function saveArtifacts(farm: FarmClient, state: RunState, root: string): Promise<void> {
  const { createJobFolders, saveArtifact } = await import("../farm/save-artifact.ts");
  const folderOf = createJobFolders(root);
  for (const job of state.jobs) {
    const { artifacts = [] } = job.verdict?.result ?? {};
    if (artifacts.length === 0) continue;
    const folder = folderOf(job);
    for (const { name } of artifacts) await saveArtifact(folder, name, farm.artifact(job.id, name));
  }
}

/** Where the log is once the farm of this call has gone. */
function keptLog({ junit }: TestOnFarmOptions): string {
  return junit === undefined
    ? "its end is above; a farm that is up keeps all of it: emufarm up"
    : `its end is in ${junit}`;
}

/** Where to read more of the run, by commands that work as they stand. */
function whatNext(surroundings: Surroundings, { id }: RunRecord, options: TestOnFarmOptions): string {
  if (options.stay === "private") return "";
  const text = `Run ${id}: ${followUp(surroundings, options, ["describe", id])}\n`;
  if (options.stay !== "ending") return text;
  return `${text}This farm ends now and keeps its runs. For describe and logs bring it up again: ${upCommand(surroundings, options)}\n`;
}

async function follow(
  surroundings: Surroundings,
  farm: FarmClient,
  run: RunRecord,
  plan: RunPlan,
  options: TestOnFarmOptions,
): Promise<RunState> {
  const { stdout, stderr, env } = surroundings;
  const paint = painter(stdout, env);
  const state = new RunState(run.id, plan.jobs);
  const view = options.json ? undefined : await viewOn(surroundings);
  const jobs = new Map(state.jobs.map((job, index) => [job.id, plan.jobs[index]]));
  view?.begin(state);
  const say = (text: string) => {
    const write = () => stderr.write(`emufarm: ${text}\n`);
    if (view) view.aside(write);
    else write();
  };
  // As long as nothing runs at all.
  const firstInLine = () => (state.count("waiting") === state.jobs.length ? state.jobs[0]?.id : undefined);
  using _waiting = tellWaiting(farm, firstInLine, say);
  using _telling = tellInterruption(surroundings.interrupted, say, options.stopping ?? "cancelling the run");
  try {
    for await (const event of farm.events(run.id, tellAbsence(say))) {
      if (options.json) stdout.write(`${JSON.stringify(event)}\n`);
      const job = state.apply(event, performance.now());
      if (job === undefined) continue;
      view?.finished(job, failureText(surroundings, job, jobs.get(job.id), options, paint));
    }
  } finally {
    view?.end();
  }
  return state;
}

function hasTable({ stdout, env }: Surroundings): boolean {
  return stdout.isTTY && env.TERM !== "dumb";
}

async function viewOn(surroundings: Surroundings): Promise<RunView> {
  const { stdout, env } = surroundings;
  const paint = painter(stdout, env);
  if (!hasTable(surroundings)) return plainView(stdout, paint);
  return (await import("./table-view.ts")).tableView(stdout, paint);
}

function failureText(
  surroundings: Surroundings,
  job: FollowedJob,
  planned: PlacedJob | undefined,
  options: TestOnFarmOptions,
  paint: ReturnType<typeof painter>,
): string[] {
  const { cwd, stdout } = surroundings;
  const { verdict, mark } = job;
  if (mark !== "failed" || !verdict || !planned) return [];
  const only = `${planned.ownName} ${job.board}`;
  const again = followUp(surroundings, options, ["test", relative(cwd, planned.file), "--only", only]);
  const lines = describeFailure(
    {
      error: verdict.error,
      result: verdict.result,
      fullLog: options.stay === "private" ? keptLog(options) : followUp(surroundings, options, ["logs", job.id]),
      again,
    },
    paint,
  );
  // The table shows a mark only; plain lines have said this already.
  const title = `${paint("red", "✘")} ${paint("bold", `${job.board}  ${planned.name}`)}  ${remark(job)}`;
  return stdout.isTTY ? [title, ...lines] : lines;
}

function choiceOf({ shard, repeat, only }: Pick<TestOptions, "shard" | "repeat" | "only">) {
  return {
    ...(shard !== undefined && { shard: parseShard(shard) }),
    ...(repeat !== undefined && { repeat }),
    ...(only !== undefined && { only }),
  };
}

function parseShard(text: string): { index: number; count: number } {
  const match = /^(\d+)\/(\d+)$/.exec(text);
  const [index, count] = [Number(match?.[1]), Number(match?.[2])];
  if (match && index >= 1 && index <= count) return { index, count };
  throw new FarmError("InvalidRequest", { problems: `--shard ${text} must be i/n with i from 1 to n, such as 2/4` });
}
