import { jobIdOf, parseJobId } from "../../core/policy/attempt-id.ts";
import type { JobVerdict, RunRecord } from "../../core/wire/farm.ts";
import { jobNameOf } from "../run/job-name.ts";
import type { Store, StoredRun } from "../store/store.ts";

/** The run as JSON, a piece at a time: `{run, jobs: [{id, name, board, state, verdict}]}`. */
export async function* writeJsonReport(store: Store, run: StoredRun, record: RunRecord): AsyncGenerator<string> {
  yield `{"run":${JSON.stringify(record)},"jobs":[`;
  let next = 0;
  for await (const verdict of store.listVerdicts(run.id)) {
    const { index } = parseJobId(verdict.jobId);
    for (; next < index; next += 1) yield describe(run, next);
    yield describe(run, index, verdict);
    next = index + 1;
  }
  for (; next < run.jobCount; next += 1) yield describe(run, next);
  yield "\n]}\n";
}

function describe(run: StoredRun, index: number, verdict?: JobVerdict): string {
  const spec = run.spec.jobs[index];
  const job = {
    id: jobIdOf(run.id, index),
    name: spec && jobNameOf(spec),
    board: spec?.board,
    firmware: spec?.firmware.name ?? spec?.firmware.sha256,
    labels: spec?.labels,
    state: verdict ? "finished" : "unfinished",
    verdict,
  };
  return `${index === 0 ? "\n" : ",\n"}${JSON.stringify(job)}`;
}
