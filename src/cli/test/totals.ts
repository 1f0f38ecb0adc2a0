import type { Paint } from "../screen/style.ts";
import type { JobMark, RunState } from "./run-state.ts";

const WORDS: [JobMark, string, Parameters<Paint>[0]][] = [
  ["passed", "passed", "green"],
  ["expected", "failed as expected", "green"],
  ["failed", "failed", "red"],
  ["cancelled", "cancelled", "yellow"],
  ["skipped", "skipped", "yellow"],
  ["running", "running", "cyan"],
  ["waiting", "waiting", "dim"],
];

/** `40 jobs: 36 passed, 3 failed as expected, 1 skipped`. */
export function totalsText(state: RunState, paint: Paint): string {
  const counts = WORDS.map(([mark, word, format]) => {
    const count = state.count(mark);
    return count === 0 ? undefined : paint(format, `${count} ${word}`);
  }).filter((text) => text !== undefined);
  const jobs = state.jobs.length === 1 ? "1 job" : `${state.jobs.length} jobs`;
  return `${jobs}: ${counts.join(", ")}`;
}
