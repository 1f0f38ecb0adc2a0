import type { RunRecord } from "../../core/wire/farm.ts";
import { plainLine } from "../screen/style.ts";
import { textTable } from "../screen/table.ts";
import { VERDICT_WORDS } from "../test/run-state.ts";
import type { FollowUp } from "./job-text.ts";

/** All about a run, for people. */
export function runText(run: RunRecord, next: FollowUp): string {
  const { totals } = run;
  const finished = totals.total - totals.waiting - totals.running;
  return textTable([
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
