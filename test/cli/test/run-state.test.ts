import { expect, it } from "vitest";
import { RunState } from "../../../src/cli/test/run-state.ts";
import { jobIdOf } from "../../../src/core/policy/attempt-id.ts";
import { aVerdict } from "../../gen/run.ts";

it("keeps a verdict where the start of its job is told late", () => {
  const runId = "r0123456789ab";
  const state = new RunState(runId, [{ name: "blink", board: "alpha" }]);
  const jobId = jobIdOf(runId, 0);
  state.apply({ type: "jobFinished", jobId, name: "blink", board: "alpha", verdict: aVerdict(jobId) }, 0);
  state.apply({ type: "jobRunning", jobId, attempt: 1 }, 0);
  expect([state.count("passed"), state.count("running")]).toEqual([1, 0]);
});
