import type { StoredRun } from "../../src/api/store/store.ts";
import { runSpec } from "../../src/core/schema/run.ts";
import type { AttemptResult } from "../../src/core/wire/attempt.ts";
import type { JobVerdict } from "../../src/core/wire/farm.ts";
import { aBoard } from "./board.ts";

export const DIGEST = "a".repeat(64);

let runs = 0;

/** A run as the API makes it; each one sorts behind those before it. */
export function aRun(options: Partial<StoredRun> & { digest?: string } = {}): StoredRun {
  const { digest = DIGEST, jobCount = 1, ...rest } = options;
  runs += 1;
  const spec = runSpec.parse({
    jobs: Array.from({ length: jobCount }, (_, index) => ({
      name: `job ${index}`,
      board: "test-board",
      firmware: { sha256: digest },
    })),
  });
  return {
    id: `r${String(runs).padStart(16, "0")}`,
    name: `run ${runs}`,
    tenant: "local",
    pool: "default",
    createdAt: "2026-01-01T00:00:00.000Z",
    jobCount,
    spec,
    boards: { "test-board": aBoard() },
    ...rest,
  };
}

export function aResult(options: Partial<AttemptResult> = {}): AttemptResult {
  return {
    verdict: "passed",
    steps: [],
    testCases: [],
    logs: [],
    lastLines: [],
    resets: 0,
    boots: 1,
    startedAt: "2026-01-01T00:00:00.000Z",
    timings: { totalMs: 100 },
    ...options,
  };
}

export function aVerdict(jobId: string, options: Partial<JobVerdict> = {}): JobVerdict {
  return {
    jobId,
    verdict: "passed",
    isExpected: true,
    isFlaky: false,
    isSkipped: false,
    attempt: 1,
    attempts: [],
    result: aResult(),
    finishedAt: "2026-01-01T00:00:01.000Z",
    ...options,
  };
}
