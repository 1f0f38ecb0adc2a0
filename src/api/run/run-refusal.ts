import { FarmError } from "../../core/error/farm-error.ts";
import type { RunSpec } from "../../core/schema/run.ts";
import { jobNameOf } from "./job-name.ts";

/** A job of a submission that cannot be accepted. */
export interface RefusedJob {
  /** Its place in the run. */
  readonly index: number;
  readonly error: FarmError;
}

/** Different problems that one answer tells. */
const MAX_PROBLEMS = 20;
/** Jobs with the same problem that one answer names. */
const MAX_NAMES = 5;

/**
 * Why a run is refused. A job alone is refused for its own reason; of several, the answer names those that are wrong,
 * and its details have each told job's problem as `problem.INDEX`, with its place in the scenario as `place.INDEX`.
 */
export function runRefused({ jobs }: RunSpec, refused: readonly RefusedJob[]): FarmError {
  const job = refused[0]?.index ?? 0;
  if (jobs.length === 1 && refused[0]) {
    const body = refused[0].error.toBody();
    return FarmError.fromBody({ ...body, details: { ...body.details, job } });
  }
  const byProblem = [...Map.groupBy(refused, ({ error }) => problemOf(error)).entries()];
  const told = byProblem.slice(0, MAX_PROBLEMS);
  const sentences = told.map(([problem, alike]) => `${namesOf(jobs, alike)}: ${problem}`);
  if (byProblem.length > told.length) sentences.push(`and ${byProblem.length - told.length} more problems`);
  const details: Record<string, string | number> = {};
  for (const { index, error } of told.flatMap(([, alike]) => alike.slice(0, MAX_NAMES))) {
    details[`problem.${index}`] = problemOf(error);
    details[`code.${index}`] = error.code;
    if (error.details.place !== undefined) details[`place.${index}`] = error.details.place;
  }
  const cause = refused[0]?.error;
  const problems = sentences.join("; ");
  return new FarmError(
    "RunRefused",
    { refused: refused.length, total: jobs.length, problems, job, ...details },
    { cause },
  );
}

function problemOf({ message, code }: FarmError): string {
  return `${message.replace(/\.$/, "")} [${code}]`;
}

function namesOf(jobs: RunSpec["jobs"], alike: readonly RefusedJob[]): string {
  const names = alike.slice(0, MAX_NAMES).map(({ index }) => {
    const spec = jobs[index];
    return spec ? `jobs[${index}] "${jobNameOf(spec)}" (${spec.board})` : `jobs[${index}]`;
  });
  if (alike.length > names.length) names.push(`${alike.length - names.length} more`);
  return names.join(", ");
}
