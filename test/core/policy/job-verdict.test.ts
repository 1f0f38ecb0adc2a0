import { describe, expect, test } from "vitest";
import { FarmError } from "../../../src/core/error/farm-error.ts";
import { isExpectedEnd, type JobEnd, jobVerdictOf } from "../../../src/core/policy/job-verdict.ts";
import { jobVerdict } from "../../../src/core/wire/farm.ts";

const base: JobEnd = {
  jobId: "r0123456789ab-000007",
  spec: {},
  verdict: "passed",
  attempt: 1,
  earlier: [],
  finishedAt: "2026-01-01T00:00:00.000Z",
};
const failedTest = new FarmError("NonZeroExit", { code: 1 }).toBody();
const lostAgent = new FarmError("AgentLost", { agent: "a", detail: "gone" }).toBody();

describe("a job's verdict", () => {
  test("is what the schema says", () => {
    expect(jobVerdict.parse(jobVerdictOf(base))).toEqual(jobVerdictOf(base));
  });

  test("is flaky when it passed after a failed test, not after a failure of the farm's", () => {
    const passedAfter = (error: typeof failedTest) =>
      jobVerdictOf({ ...base, attempt: 2, earlier: [{ attempt: 1, error }] });
    expect(passedAfter(failedTest).isFlaky).toBe(true);
    expect(passedAfter(lostAgent).isFlaky).toBe(false);
  });

  test("is not flaky when it failed in the end", () => {
    const earlier = [{ attempt: 1, error: failedTest }];
    expect(jobVerdictOf({ ...base, verdict: "failed", attempt: 2, earlier }).isFlaky).toBe(false);
  });

  test("is expected when it is the one that the job names", () => {
    expect(isExpectedEnd({}, "passed", undefined)).toBe(true);
    expect(isExpectedEnd({}, "failed", undefined)).toBe(false);
    expect(isExpectedEnd({ expect: { verdict: "failed" } }, "failed", undefined)).toBe(true);
  });

  test("is expected only with the way to end that the job names", () => {
    const spec = { expect: { verdict: "failed", reason: "GuestCrashed" } } as const;
    expect(isExpectedEnd(spec, "failed", { exit: { reason: "GuestCrashed" } })).toBe(true);
    expect(isExpectedEnd(spec, "failed", { exit: { reason: "GuestExited" } })).toBe(false);
    expect(isExpectedEnd(spec, "failed", undefined)).toBe(false);
  });
});
