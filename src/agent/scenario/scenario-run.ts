import { ScenarioExecution } from "./scenario-execution.ts";
import type { ScenarioResult, ScenarioRunOptions } from "./scenario-result.ts";

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
 * the guest can write and no byte is missed.
 * @throws {FarmError} InvalidPattern, NotFound where the scenario was not checked before (checkPatterns,
 * refuseUnsupported)
 */
export function runScenario(options: ScenarioRunOptions): ScenarioRun {
  const execution = new ScenarioExecution(options);
  return {
    result: execution.run(),
    waitingFor: () => execution.waitingFor,
    setPaused: (isPaused) => execution.setPaused(isPaused),
  };
}
