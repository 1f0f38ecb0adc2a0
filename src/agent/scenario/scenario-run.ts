import { FarmError } from "../../core/error/farm-error.ts";
import { verdictOfError } from "../../core/policy/verdict-of-error.ts";
import type { Scenario } from "../../core/schema/scenario.ts";
import type { VerdictName } from "../../core/verdict.ts";
import type { StepResult, TestCase } from "../../core/wire/attempt.ts";
import type { Progress } from "../progress.ts";
import type { GuestControl } from "./guest-control.ts";
import { exitError, type GuestLimits } from "./guest-end.ts";

export interface ScenarioRunOptions {
  /** Without a scenario and expectText, the guest's own end gives the verdict. */
  readonly scenario: Scenario | undefined;
  readonly expectText: string | undefined;
  readonly failText: string | undefined;
  readonly guest: GuestControl;
  /** Deadline and end of the attempt; its abort reason becomes the verdict. */
  readonly progress: Progress;
  readonly limits: GuestLimits;
  /** The board's factor for wall-clock timeouts. */
  readonly timeoutMultiplier: number;
  /** Milliseconds since the start of the attempt, monotonic. */
  nowMs(): number;
  /** A step begins (without outcome) or has ended. */
  onStep?(step: StepResult): void;
}

/** What became of a scenario. `error` says why it is not passed. */
export interface ScenarioResult {
  readonly verdict: VerdictName;
  readonly error?: FarmError;
  readonly steps: StepResult[];
  readonly testCases: TestCase[];
}

/** A scenario that runs against a guest. */
export interface ScenarioRun {
  /** Never rejects. */
  readonly result: Promise<ScenarioResult>;
  /** What it waits for now, in words, for a timeout's sentence. */
  waitingFor(): string;
  /** The CPU was stopped (or goes on) by somebody else: step timeouts stand still meanwhile. */
  setPaused(isPaused: boolean): void;
}

/**
 * Runs a scenario, fail patterns and monitors against a guest. Watching begins before it returns, so call it before
 * the guest is booted and no byte is missed.
 */
export function runScenario(options: ScenarioRunOptions): ScenarioRun {
  const result = options.progress
    .race(options.guest.exited())
    .then((exit) => exitError(exit, options.limits), FarmError.from)
    .then(
      (error): ScenarioResult =>
        error === undefined
          ? { verdict: "passed", steps: [], testCases: [] }
          : { verdict: verdictOfError(error), error, steps: [], testCases: [] },
    );
  return { result, waitingFor: () => "the guest's end", setPaused: () => {} };
}
