import { FarmError } from "../../core/error/farm-error.ts";

/** How ids of jobs and runs look, as against names. */
export const JOB_ID = /^r[0-9a-z]{12,24}-\d{6}$/;
export const RUN_ID = /^r[0-9a-z]{12,24}$/;

const LISTED = "emufarm get runs lists them";

/** The id of a run, as it was typed. @throws {FarmError} InvalidRequest for a job, and what is no id */
export function runNamed(word: string, verb: string): string {
  if (RUN_ID.test(word)) return word;
  const problems = JOB_ID.test(word)
    ? `${verb} is for runs, and ${word} is a job; its run is ${word.slice(0, word.indexOf("-"))}`
    : `${verb} is for runs, and ${word} is no id of one (${LISTED})`;
  throw new FarmError("InvalidRequest", { problems });
}

/** Whether a word is the id of a job; else it is that of a run. @throws {FarmError} InvalidRequest for anything else */
export function isJobNamed(word: string, verb: string): boolean {
  if (JOB_ID.test(word)) return true;
  if (RUN_ID.test(word)) return false;
  const problems = `${verb} is for runs and jobs, and ${word} is no id of one (${LISTED}); an instance is ended by emufarm delete`;
  throw new FarmError("InvalidRequest", { problems });
}
