import { FarmError } from "../../core/error/farm-error.ts";
import type { JobRecord, RunRecord } from "../../core/wire/farm.ts";
import { areInstancesOnCluster } from "../channel/where-instances.ts";
import { isClusterWanted } from "../cluster/cluster-wanted.ts";
import type { ObjectsAsked } from "../cluster/object-kind.ts";
import type { GetOptions } from "../cluster/object-question.ts";
import { EXIT } from "../exit-code.ts";
import { connectFarm } from "../farm/find-farm.ts";
import { type Paint, painter, plainLine } from "../screen/style.ts";
import { textTable } from "../screen/table.ts";
import type { Surroundings } from "../surroundings.ts";
import { JOB_ID, RUN_ID } from "./farm-ids.ts";
import { jobTable } from "./job-table.ts";
import { type JsonOptions, jsonText } from "./json-option.ts";

const MOST_RUNS = 20;

/** `emufarm get`: runs, the jobs of the newest run or of one, boards; objects of a cluster, as kubectl shows them. */
export async function get(
  surroundings: Surroundings,
  what: string,
  names: readonly string[],
  given: JsonOptions & GetOptions,
): Promise<number> {
  const isCluster = isClusterWanted(surroundings, given);
  if (what !== "runs" && what !== "jobs" && !RUN_ID.test(what) && (isCluster || what !== "boards")) {
    const { objectsAsked } = await import("../cluster/object-kind.ts");
    const asked = objectsAsked([what, ...names]);
    if (asked && !(await areInstancesOnCluster(surroundings, given)))
      return await getOnFarm(surroundings, asked, given);
    if (asked) return await (await import("../cluster/get-objects.ts")).getObjects(surroundings, asked, given);
    throw nothingShown(what, isCluster);
  }
  const options = farmOptionsOf(given);
  if (what === "boards") return (await import("./boards.ts")).listBoards(surroundings, options);
  const { stdout, env } = surroundings;
  const paint = painter(stdout, env);
  await using farm = await connectFarm(surroundings, options);
  if (what === "runs") {
    const runs = await farm.runs({ limit: MOST_RUNS });
    stdout.write(options.json ? jsonText(runs) : runTable(runs, paint));
    return EXIT.passed;
  }
  const runId = what === "jobs" ? (await farm.runs({ limit: 1 }))[0]?.id : what;
  if (what === "jobs" && runId !== undefined && !options.json) {
    surroundings.stderr.write(`The jobs of the newest run; emufarm get RUN shows those of another.\n`);
  }
  const jobs: JobRecord[] = [];
  if (runId !== undefined) for await (const job of farm.jobs(runId)) jobs.push(job);
  stdout.write(options.json ? jsonText(jobs) : jobTable(jobs, paint));
  return EXIT.passed;
}

function nothingShown(what: string, isCluster: boolean): FarmError<"InvalidRequest"> {
  const shown = isCluster ? "emu, emupool, brd, cbrd, all, runs, jobs" : "runs, jobs, boards, instances";
  const problems = JOB_ID.test(what)
    ? `get lists the jobs of a run, and ${what} is one of them: emufarm describe ${what}`
    : `${what} is nothing that get shows: ${shown} or the id of a run`;
  return new FarmError("InvalidRequest", { problems });
}

/** Instances of the farm; boards are its own list, and pools are a cluster's. */
async function getOnFarm(
  surroundings: Surroundings,
  { kinds, names }: ObjectsAsked,
  given: JsonOptions & GetOptions,
): Promise<number> {
  const all = [...kinds, ...names.map(({ kind }) => kind)].map(({ kind }) => kind);
  if (all.includes("EmulatorInstance")) {
    const { getInstances } = await import("../instance/get-instances.ts");
    const asked = names.filter(({ kind }) => kind.kind === "EmulatorInstance").map(({ name }) => name);
    return await getInstances(surroundings, asked, given);
  }
  if (!all.includes("EmulatorPool")) {
    return (await import("./boards.ts")).listBoards(surroundings, farmOptionsOf(given));
  }
  throw new FarmError("InvalidRequest", { problems: "pools are of a cluster: name it by --context or --namespace" });
}

/** What the farm's own lists take. */
function farmOptionsOf({ output, watch, selector, allNamespaces, ...options }: JsonOptions & GetOptions): JsonOptions {
  if (watch || allNamespaces || selector !== undefined || (output !== undefined && output !== "json")) {
    const problems = "--watch, --selector, --all-namespaces and --output (but json) are for objects of a cluster";
    throw new FarmError("InvalidRequest", { problems });
  }
  return output === "json" ? { ...options, json: true } : options;
}

function runTable(runs: readonly RunRecord[], paint: Paint): string {
  const head = ["RUN", "NAME", "CREATED", "OUTCOME", "JOBS"].map((word) => paint("bold", word));
  return textTable([
    head,
    ...runs.map(({ id, name, createdAt, outcome, isCancelled, totals }) => [
      id,
      plainLine(name),
      createdAt.replace("T", " ").slice(0, 19),
      paint(
        outcome === "passed" ? "green" : outcome === "failed" ? "red" : "cyan",
        isCancelled ? "cancelled" : outcome,
      ),
      `${totals.total - totals.waiting - totals.running}/${totals.total}`,
    ]),
  ]);
}
