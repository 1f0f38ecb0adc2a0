import { FarmError } from "../../core/error/farm-error.ts";
import type { ScenarioStep } from "../../core/schema/scenario.ts";
import type { GuestExit } from "../../core/wire/attempt.ts";
import { describeExit, exitError, isOwnEnd } from "./guest-end.ts";
import type { StepContext } from "./step-actions.ts";
import { stepInWords } from "./step-title.ts";

/** Does something that needs a guest that has not ended. */
export async function whileAlive<Value>(
  step: ScenarioStep,
  context: StepContext,
  act: () => Promise<Value>,
): Promise<Value> {
  const ended = context.guest.exited().then((exit) => {
    throw endedTooSoon(exit, step, context);
  });
  // Whoever acts in time does not care how the guest ends later.
  ended.catch(() => {});
  const turn = new Promise((resolve) => setImmediate(resolve));
  await Promise.race([ended, turn]);
  return await context.progress.race(Promise.race([act(), ended]));
}

/** A crash or a limit is told as what it is; any other end came before its time. */
export function endedTooSoon(
  exit: GuestExit,
  step: ScenarioStep,
  context: StepContext,
  details: Record<string, string> = {},
): FarmError {
  const error = isOwnEnd(exit) || exit.reason === "Stopped" ? undefined : exitError(exit, context.limits);
  return error ?? new FarmError("UnexpectedExit", { reason: describeExit(exit), step: stepInWords(step), ...details });
}
