import { setTimeout as delay } from "node:timers/promises";
import { FarmError } from "../../core/error/farm-error.ts";
import type { ScenarioStep } from "../../core/schema/scenario.ts";
import { isLike } from "./expected-value.ts";
import { whileAlive } from "./living-guest.ts";
import type { StepContext } from "./step-actions.ts";
import { stepInWords } from "./step-title.ts";

/** No event tells that a property has changed. */
const LOOK_AGAIN_MS = 50;

/** Sets a property, and then looks at it: once, or with a timeout until it is as expected. */
export async function workProperty(step: ScenarioStep, context: StepContext): Promise<void> {
  const { property } = step;
  if (property === undefined) return;
  const { path, name, set, expect } = property;
  const { guest, progress } = context;
  if (set !== undefined) await whileAlive(step, context, () => guest.setProperty(path, name, set));
  if (expect === undefined) return;
  for (;;) {
    const value = await whileAlive(step, context, () => guest.getProperty(path, name));
    if (isLike(value, expect)) return;
    if (step.timeout === undefined) {
      const actual = `it is ${JSON.stringify(value)}`;
      throw new FarmError("ExpectationNotMet", { step: stepInWords(step), expected: JSON.stringify(expect), actual });
    }
    await progress.race(delay(LOOK_AGAIN_MS, undefined, { signal: progress.signal }));
  }
}
