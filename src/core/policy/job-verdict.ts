import type { ErrorBody } from "../error/error-body.ts";
import type { JobSpec } from "../schema/job.ts";
import type { VerdictName } from "../verdict.ts";
import type { AttemptResult } from "../wire/attempt.ts";
import type { JobVerdict } from "../wire/farm.ts";

/** An attempt before the one that gave the verdict, and why it did not count. */
export type EarlierAttempt = JobVerdict["attempts"][number];

export interface JobEnd {
  readonly jobId: string;
  readonly spec: Pick<JobSpec, "expect">;
  readonly verdict: VerdictName;
  /** Number of the attempt that ended the job; 0: none ran. */
  readonly attempt: number;
  readonly earlier: readonly EarlierAttempt[];
  readonly error?: ErrorBody | undefined;
  readonly result?: AttemptResult | undefined;
  /** True when the board is not available here. */
  readonly isSkipped?: boolean;
  readonly finishedAt: string;
}

/** The verdict of a job. Logs that travel in the result go into the store with it. */
export function jobVerdictOf(end: JobEnd): JobVerdict {
  const { error, result } = end;
  return {
    jobId: end.jobId,
    verdict: end.verdict,
    isExpected: isExpectedEnd(end.spec, end.verdict, result),
    isFlaky: end.verdict === "passed" && end.earlier.some((attempt) => attempt.error?.class === "test"),
    isSkipped: end.isSkipped ?? false,
    attempt: end.attempt,
    attempts: [...end.earlier],
    ...(error === undefined ? {} : { error }),
    ...(result === undefined ? {} : { result }),
    finishedAt: end.finishedAt,
  };
}

/** True when a job has ended as it was meant to: passed, unless it says otherwise. */
export function isExpectedEnd(
  spec: Pick<JobSpec, "expect">,
  verdict: VerdictName,
  result: Pick<AttemptResult, "exit"> | undefined,
): boolean {
  const { verdict: expected = "passed", reason } = spec.expect ?? {};
  return verdict === expected && (reason === undefined || result?.exit?.reason === reason);
}
