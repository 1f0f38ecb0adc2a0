import type { FarmError } from "../../core/error/farm-error.ts";
import type { Scenario } from "../../core/schema/scenario.ts";
import type { VerdictName } from "../../core/verdict.ts";
import type { StepResult, TestCase } from "../../core/wire/attempt.ts";
import type { Progress } from "../progress.ts";
import type { GuestControl } from "./guest-control.ts";
import type { GuestLimits } from "./guest-end.ts";

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
  /** Steps begin once the board is on: before that it could be neither written to nor asked. */
  readonly started?: Promise<void>;
  /** What the board's start waits for, in words, for a timeout's sentence. */
  describeStart?(): string;
  /** Milliseconds since the start of the attempt, monotonic. */
  nowMs(): number;
  /** A step has ended. */
  onStep?(step: StepResult): void;
}

/** What became of a scenario. `error` says why it is not passed. */
export interface ScenarioResult {
  readonly verdict: VerdictName;
  readonly error?: FarmError;
  readonly steps: StepResult[];
  readonly testCases: TestCase[];
}
