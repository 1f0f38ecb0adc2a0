/** Identity of an attempt: `<job id>.<attempt number>`. */
export function attemptIdOf(jobId: string, attempt: number): string {
  return `${jobId}.${attempt}`;
}

const ATTEMPT_OF_JOB = /^(r[0-9a-z]{12,24}-\d{6})\.([1-9]\d*)$/;

/** Job and number of an attempt; undefined when it is not an attempt at a job of a run. */
export function parseAttemptId(id: string): { jobId: string; attempt: number } | undefined {
  const match = ATTEMPT_OF_JOB.exec(id);
  return match?.[1] === undefined ? undefined : { jobId: match[1], attempt: Number(match[2]) };
}

/** Run and place in it of a job. */
export function parseJobId(jobId: string): { runId: string; index: number } {
  const dash = jobId.lastIndexOf("-");
  return { runId: jobId.slice(0, dash), index: Number(jobId.slice(dash + 1)) };
}

export function jobIdOf(runId: string, index: number): string {
  return `${runId}-${String(index).padStart(6, "0")}`;
}
