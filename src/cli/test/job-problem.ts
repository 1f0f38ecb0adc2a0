import { readFile } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import { problemList } from "../../core/error/problem-list.ts";
import { sourceOfPlace } from "../farm/diagram-beside.ts";
import type { JobPart } from "./planned-job.ts";
import { folderOf, type PlacedJob, type RunPlan } from "./run-plan.ts";

/** What is wrong with a job of a plan. */
export interface JobProblem {
  /** The job's place in the plan. */
  readonly index: number;
  readonly part: JobPart;
  /** In words, with the code. */
  readonly text: string;
  /** Place in the scenario that it is about. */
  readonly place?: string;
}

/** Different problems that are told at once. */
const MAX_PROBLEMS = 20;
/** Jobs with the same problem that are named. */
const MAX_NAMES = 5;

/** What a refusal says of a plan's jobs; none where it is about something else. */
export function problemsOfRefusal(error: unknown): JobProblem[] {
  if (!(error instanceof FarmError) || error.details.job === undefined) return [];
  const { code, details } = error;
  if (code !== "RunRefused") return [jobProblem(Number(details.job), error)];
  return Object.entries(details).flatMap(([key, text]) => {
    const index = /^problem\.(\d+)$/.exec(key)?.[1];
    if (index === undefined) return [];
    const place = details[`place.${index}`];
    const part = partOf(String(details[`code.${index}`]), place !== undefined);
    return [{ index: Number(index), part, text: String(text), ...(place !== undefined && { place: String(place) }) }];
  });
}

/** @param part what of the job it is about, where that is known */
export function jobProblem(index: number, { code, message, details }: FarmError, part?: JobPart): JobProblem {
  const { place } = details;
  return {
    index,
    part: part ?? partOf(code, place !== undefined),
    text: `${message.replace(/\.$/, "")} [${code}]`,
    ...(place !== undefined && { place: String(place) }),
  };
}

/** All that is wrong with a plan's jobs as one error: each with its file, line and column, and the jobs that have it. */
export async function planProblem(
  plan: RunPlan,
  problems: readonly JobProblem[],
  cwd: string,
): Promise<FarmError<"InvalidDocument">> {
  const texts = new Map<string, Promise<string>>();
  const placed = await Promise.all(
    problems.map(async (problem) => ({ problem, where: await locate(plan.jobs[problem.index], problem, cwd, texts) })),
  );
  const alike = [...Map.groupBy(placed, ({ problem, where }) => `${where} ${problem.text}`).values()];
  const told = alike.slice(0, MAX_PROBLEMS).map((group) => {
    const { where = "", problem } = group[0] ?? {};
    const jobs = namesOf(
      plan,
      group.map((one) => one.problem),
    );
    return `${where}: ${problem?.text} (${jobs})`;
  });
  if (alike.length > told.length) told.push(`and ${alike.length - told.length} more`);
  const file = plan.jobs[problems[0]?.index ?? 0]?.file ?? "";
  return new FarmError("InvalidDocument", {
    file: relative(cwd, file),
    problems: problemList(told, alike.length),
    count: problems.length,
    codes: "each",
  });
}

/** `file:line:column: path` of what a problem is about. */
async function locate(
  job: PlacedJob | undefined,
  { part, place }: JobProblem,
  cwd: string,
  texts: Map<string, Promise<string>>,
): Promise<string> {
  if (!job) return "";
  const { locate: locateIn } = await import("../../document/problem-at.ts");
  const isInFile = place !== undefined && typeof job.scenario === "string";
  const own = [job.places[part], ...(place === undefined ? [] : [place])].join(".");
  const path = isInFile ? resolve(folderOf(job), job.scenario) : job.file;
  const source = sourceOfPlace({ path, file: relative(cwd, path), place: isInFile ? place : own });
  const text = texts.get(source.path) ?? readFile(source.path, "utf8");
  texts.set(source.path, text);
  return locateIn(await text, source.file, source.place);
}

function namesOf({ jobs }: RunPlan, alike: readonly JobProblem[]): string {
  const names = alike.slice(0, MAX_NAMES).map(({ index }) => `"${jobs[index]?.name}" on ${jobs[index]?.board}`);
  if (alike.length > names.length) names.push(`${alike.length - names.length} more`);
  return `${alike.length === 1 ? "job" : "jobs"} ${names.join(", ")}`;
}

function partOf(code: string, hasPlace: boolean): JobPart {
  if (hasPlace) return "scenario";
  if (code === "UnknownBoard") return "board";
  return code.startsWith("Firmware") ? "firmware" : "entry";
}
