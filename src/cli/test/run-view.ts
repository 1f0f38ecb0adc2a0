import type { FollowedJob, RunState } from "./run-state.ts";

/** Shows a run while it goes on. */
export interface RunView {
  begin(state: RunState): void;
  /** A job has finished; where that is a failure, with all that helps, line by line. */
  finished(job: FollowedJob, failure: readonly string[]): void;
  /** Words beside the run, such as those on standard error. */
  aside(write: () => void): void;
  /** Ends what moves, so that plain words can follow. */
  end(): void;
}
