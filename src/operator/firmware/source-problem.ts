import type { Problem } from "../../core/policy/instance-observation.ts";

/** Why a source of firmware cannot be read: wrong until somebody changes it. */
export class SourceProblem extends Error {
  readonly problem: Problem;

  constructor(reason: string, message: string) {
    super(message);
    this.problem = { reason, message };
  }
}
