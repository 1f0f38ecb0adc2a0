import type { ErrorBody } from "../error/error-body.ts";
import type { ErrorClass } from "../verdict.ts";

export interface RetryQuestion {
  /** Why the attempt did not pass; undefined when it did. */
  readonly error: Pick<ErrorBody, "class"> | undefined;
  /** True when the attempt ended just as the job is meant to end. */
  readonly isExpected: boolean;
  readonly isCancelled: boolean;
  /** Errors of the attempts before this one. */
  readonly earlier: readonly { readonly error?: Pick<ErrorBody, "class"> | undefined }[];
  readonly retries: { readonly infrastructure: number; readonly test: number };
}

/**
 * - final: the attempt gives the verdict
 * - elsewhere: tried again, on another agent where there is one
 * - again: tried again, anywhere
 * - exhausted: the farm has failed as often as it may
 */
export type RetryDecision = "final" | "elsewhere" | "again" | "exhausted";

/** Whether an attempt gives the verdict or is followed by another. */
export function decideRetry(question: RetryQuestion): RetryDecision {
  const { error, retries } = question;
  if (error === undefined || question.isExpected || question.isCancelled) return "final";
  const failures = question.earlier.filter((attempt) => attempt.error?.class === error.class).length;
  const decisions: Record<ErrorClass, RetryDecision> = {
    job: "final",
    test: failures < retries.test ? "again" : "final",
    infrastructure: failures < retries.infrastructure ? "elsewhere" : failures === 0 ? "final" : "exhausted",
  };
  return decisions[error.class];
}
