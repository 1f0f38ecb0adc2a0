import { FarmError } from "../../core/error/farm-error.ts";
import { durationMs } from "../../core/schema/duration.ts";
import type { ScenarioStep } from "../../core/schema/scenario.ts";
import { whileAlive } from "./living-guest.ts";
import type { StepContext } from "./step-actions.ts";
import { stepInWords } from "./step-title.ts";

/** Drives a pin, for good or for a time. @throws {FarmError} UnknownPin, PinNotDrivable, PinsFailed */
export async function setPin(step: ScenarioStep, { guest, progress }: StepContext): Promise<void> {
  const wanted = step["set-pin"];
  if (wanted === undefined) return;
  const pin = wanted.pin ?? wanted.name ?? "";
  const driven =
    wanted.for === undefined
      ? guest.pins.drive(pin, wanted.value)
      : guest.pins.pulse(pin, wanted.value, durationMs(wanted.for));
  await progress.race(driven);
}

/**
 * Checks a pin's level: as it is now, or, with a timeout, waits until it is so.
 * @throws {FarmError} ExpectationNotMet, UnknownPin, PinsFailed
 */
export async function expectPin(step: ScenarioStep, context: StepContext): Promise<void> {
  await whileAlive(step, context, () => waitForLevel(step, context));
}

async function waitForLevel(step: ScenarioStep, { guest, progress }: StepContext): Promise<void> {
  const wanted = step["expect-pin"];
  if (wanted === undefined) return;
  const pin = wanted.pin ?? wanted.name ?? "";
  const changed = { wait: Promise.withResolvers<void>() };
  const stopListening = guest.pins.onEdges(() => {
    changed.wait.resolve();
    changed.wait = Promise.withResolvers();
  });
  try {
    for (;;) {
      const next = changed.wait.promise;
      const level = await progress.race(guest.pins.read(pin));
      if (level === wanted.value) return;
      if (step.timeout === undefined) throw notMet(step, wanted.value, level);
      await progress.race(next);
    }
  } finally {
    stopListening();
  }
}

function notMet(step: ScenarioStep, wanted: 0 | 1, level: 0 | 1 | undefined): FarmError {
  const actual = level === undefined ? "the guest has not driven it yet" : `it is ${level}`;
  return new FarmError("ExpectationNotMet", { step: stepInWords(step), expected: `level ${wanted}`, actual });
}
