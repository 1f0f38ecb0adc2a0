import { describe, expect, it } from "vitest";
import { runRefused } from "../../../src/api/run/run-refusal.ts";
import { FarmError } from "../../../src/core/error/farm-error.ts";
import { runSpec } from "../../../src/core/schema/run.ts";

function runOf(count: number) {
  const job = (index: number) => ({ name: `job ${index}`, board: "alpha", firmware: { sha256: "a".repeat(64) } });
  return runSpec.parse({ jobs: Array.from({ length: count }, (_, index) => job(index)) });
}

const unknown = (board: string) => new FarmError("UnknownBoard", { board, hint: "" });

describe("the refusal of a run", () => {
  it("is the job's own error where there is one job", () => {
    const error = runRefused(runOf(1), [{ index: 0, error: unknown("beta") }]);
    expect(error).toMatchObject({ code: "UnknownBoard", details: { board: "beta", job: 0 } });
  });

  it("names every job that is wrong, once for each problem", () => {
    const invalid = new FarmError("InvalidPattern", {
      pattern: "(",
      problem: "unclosed",
      place: "steps.2.wait-serial",
    });
    const error = runRefused(runOf(4), [
      { index: 0, error: unknown("beta") },
      { index: 2, error: invalid },
      { index: 3, error: unknown("beta") },
    ]);
    expect(error.message).toMatch(/^Nothing was accepted: 3 of 4 jobs cannot be\. /);
    expect(error.message).toContain(
      'jobs[0] "job 0" (alpha), jobs[3] "job 3" (alpha): There is no board beta [UnknownBoard]; jobs[2] "job 2"',
    );
    expect(error.details).toMatchObject({
      job: 0,
      "problem.3": "There is no board beta [UnknownBoard]",
      "code.2": "InvalidPattern",
      "place.2": "steps.2.wait-serial",
    });
  });

  it("stays short, however much is wrong", () => {
    const alike = Array.from({ length: 1_000 }, (_, index) => ({ index, error: unknown("beta") }));
    expect(runRefused(runOf(1_000), alike).message).toContain('jobs[4] "job 4" (alpha), 995 more: There is no board');
    const different = alike.map(({ index }) => ({ index, error: unknown(`beta-${index}`) }));
    const { message, details } = runRefused(runOf(1_000), different);
    expect(message).toContain("; and 980 more problems");
    expect(details).toMatchObject({ refused: 1_000, total: 1_000 });
    expect(Object.keys(details).length).toBeLessThan(100);
  });
});
