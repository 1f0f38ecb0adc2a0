import type { JobRecord } from "../../core/wire/farm.ts";
import { type Paint, plainLine } from "../screen/style.ts";
import { textTable } from "../screen/table.ts";
import { VERDICT_WORDS } from "../test/run-state.ts";

/** Jobs, a line each, for people. */
export function jobTable(jobs: readonly JobRecord[], paint: Paint): string {
  const head = ["JOB", "BOARD", "NAME", "STATE", ""].map((word) => paint("bold", word));
  return textTable([
    head,
    ...jobs.map((job) => [job.id, job.spec.board, plainLine(job.name), stateText(job, paint), whyText(job)]),
  ]);
}

function stateText({ state, verdict }: JobRecord, paint: Paint): string {
  if (!verdict) return paint(state === "running" ? "cyan" : "dim", state);
  if (verdict.isSkipped) return paint("yellow", "skipped");
  const expected = verdict.isExpected && verdict.verdict !== "passed" ? " as expected" : "";
  return paint(verdict.isExpected ? "green" : "red", `${VERDICT_WORDS[verdict.verdict]}${expected}`);
}

function whyText({ waiting, verdict }: JobRecord): string {
  if (waiting) return `place ${waiting.position + 1}: ${waiting.reason}`;
  return verdict?.error === undefined ? "" : plainLine(verdict.error.message);
}
