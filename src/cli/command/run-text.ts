import type { JobRecord, RunRecord } from "../../core/wire/farm.ts";
import { type Paint, plainLine } from "../screen/style.ts";
import { textTable } from "../screen/table.ts";
import { VERDICT_WORDS } from "../test/run-state.ts";
import { jobTable } from "./job-table.ts";
import type { FollowUp } from "./job-text.ts";

/**
 * All about a run, for people.
 *
 * @param unexpected its first jobs that did not end as they were meant to
 */
export function runText(run: RunRecord, unexpected: readonly JobRecord[], next: FollowUp, paint: Paint): string {
  const { totals } = run;
  const finished = totals.total - totals.waiting - totals.running;
  const more = totals.unexpected - unexpected.length;
  const facts = textTable([
    ["run", run.id],
    ["name", plainLine(run.name)],
    ["created", run.createdAt],
    ["finished", run.finishedAt ?? "not yet"],
    ["outcome", run.isCancelled ? "cancelled" : run.outcome],
    ["jobs", `${totals.total}: ${standing(totals).join(", ")}`],
    [
      "",
      `${finished - totals.unexpected - totals.skipped} as expected, ${totals.unexpected} not, ${totals.flaky} flaky`,
    ],
    ["list", next("get", run.id)],
  ]);
  if (unexpected.length === 0) return facts;
  return `${facts}\nnot as expected:\n${jobTable(unexpected, paint)}${more > 0 ? `and ${more} more\n` : ""}`;
}

/** Each job counts once: a skipped one ends as errored on the wire, and as skipped for people. */
function standing({ waiting, running, verdicts, skipped }: RunRecord["totals"]): string[] {
  const counts: [number, string][] = [
    [waiting, "waiting"],
    [running, "running"],
    ...Object.entries(VERDICT_WORDS).map(([name, word]): [number, string] => {
      const count = verdicts[name as keyof typeof VERDICT_WORDS] ?? 0;
      return [name === "errored" ? count - skipped : count, word];
    }),
    [skipped, "skipped"],
  ];
  return counts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
}
