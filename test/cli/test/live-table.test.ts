import { describe, expect, it } from "vitest";
import { liveTable } from "../../../src/cli/test/live-table.ts";
import { RunState } from "../../../src/cli/test/run-state.ts";
import type { JobVerdict } from "../../../src/core/wire/farm.ts";
import { aVerdict } from "../../gen/run.ts";

const paint = (_format: unknown, text: string) => text;
const RUN = "r0123456789ab";

function stateOf(boards: readonly string[], perBoard: number): RunState {
  return new RunState(
    RUN,
    boards.flatMap((board) => Array.from({ length: perBoard }, (_, index) => ({ board, name: `job ${index}` }))),
  );
}

function verdict(index: number, values: Partial<JobVerdict>): JobVerdict {
  return aVerdict(`${RUN}-${String(index).padStart(6, "0")}`, values);
}

function finish(state: RunState, index: number, values: Partial<JobVerdict>): void {
  const given = verdict(index, values);
  state.apply({ type: "jobFinished", jobId: given.jobId, name: "", board: "", verdict: given }, 0);
}

describe("the live table", () => {
  it("shows what became of each job at its board", () => {
    const state = stateOf(["alpha"], 6);
    finish(state, 0, {});
    finish(state, 1, { verdict: "failed" });
    finish(state, 2, { verdict: "failed", isExpected: false });
    finish(state, 3, { verdict: "errored", isExpected: false, isSkipped: true });
    state.apply({ type: "jobRunning", jobId: `${RUN}-000004`, attempt: 1 }, 500);
    const text = liveTable(state, { columns: 80, rows: 24 }, 2_000, 0, paint);
    expect(text).toContain("alpha ✔◇✘–▸·");
    expect(text).toContain("6 jobs: 1 passed, 1 failed as expected, 1 failed, 1 skipped, 1 running, 1 waiting");
    expect(text).toContain("▸ alpha  job 4  1.5 s");
    expect(text).toContain("4/6  2.0 s");
  });

  it.each([
    [80, 24, 30, 3],
    [120, 30, 30, 3],
    [40, 10, 100, 2],
    [80, 24, 10, 500],
  ])("fits a terminal of %i columns and %i rows with %i boards of %i jobs", (columns, rows, boards, perBoard) => {
    const names = Array.from({ length: boards }, (_, index) => `stm32vldiscovery-${index}`);
    const state = stateOf(names, perBoard);
    for (let index = 0; index < 8; index++) {
      state.apply({ type: "jobRunning", jobId: `${RUN}-${String(index).padStart(6, "0")}`, attempt: 1 }, 0);
    }
    const lines = liveTable(state, { columns, rows }, 1_000, 0, paint).split("\n");
    expect(lines.length).toBeLessThanOrEqual(rows);
    const widths = lines.slice(3, -2).map((line) => line.length);
    expect(Math.max(...widths)).toBeLessThanOrEqual(columns);
  });

  it("lets no escape sequence of a job's name through", () => {
    const state = new RunState(RUN, [{ board: "alpha", name: "\x1b[2Jevil\x07" }]);
    state.apply({ type: "jobRunning", jobId: `${RUN}-000000`, attempt: 1 }, 0);
    const text = liveTable(state, { columns: 80, rows: 24 }, 0, 0, paint);
    expect(text).toContain("alpha  evil  0.0 s");
  });
});
