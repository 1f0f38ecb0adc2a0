import { clipped, type Paint, plainLine } from "../screen/style.ts";
import type { FollowedJob, JobMark, RunState } from "./run-state.ts";
import { VERDICT_WORDS } from "./run-state.ts";
import type { RunView } from "./run-view.ts";

const MARKS: Record<JobMark, [string, Parameters<Paint>[0]]> = {
  waiting: ["wait", "dim"],
  running: ["run", "cyan"],
  passed: ["ok", "green"],
  expected: ["ok", "green"],
  failed: ["FAIL", "red"],
  cancelled: ["stop", "yellow"],
  skipped: ["skip", "yellow"],
};

/** A line for each job as it finishes, for logs and pipes. */
export function plainView(out: { write(text: string): unknown }, paint: Paint): RunView {
  let state: RunState | undefined;
  let nameWidth = 0;
  let boardWidth = 0;
  return {
    begin(begun) {
      state = begun;
      nameWidth = Math.min(40, Math.max(0, ...begun.jobs.map((job) => job.name.length)));
      boardWidth = Math.max(0, ...begun.jobs.map((job) => job.board.length));
    },
    finished(job, failure) {
      const [word, format] = MARKS[job.mark];
      const place = `${String(state?.finished ?? 0).padStart(String(state?.jobs.length ?? 0).length)}/${state?.jobs.length}`;
      const name = clipped(plainLine(job.name), 40).padEnd(nameWidth);
      const line = `${paint(format, word.padEnd(4))} ${place}  ${job.board.padEnd(boardWidth)}  ${name}  ${remark(job)}`;
      out.write(`${line.trimEnd()}\n`);
      for (const text of failure) out.write(`${text}\n`);
    },
    aside: (write) => write(),
    end() {},
  };
}

/** What is worth saying of a finished job in a few words. */
export function remark(job: FollowedJob): string {
  const { mark, verdict } = job;
  if (!verdict) return "";
  if (mark === "skipped") return `skipped: ${plainLine(verdict.error?.message ?? "board not available")}`;
  const ms = verdict.result?.timings.totalMs;
  const seconds = ms === undefined ? "" : `${(ms / 1_000).toFixed(2)} s`;
  const flaky = verdict.isFlaky ? ["flaky: passed after a retry"] : [];
  const word =
    mark === "passed" ? flaky : [`${VERDICT_WORDS[verdict.verdict]}${mark === "expected" ? " as expected" : ""}`];
  return [seconds, ...word].filter((text) => text !== "").join("  ");
}
