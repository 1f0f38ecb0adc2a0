import { FarmError } from "../../core/error/farm-error.ts";
import { durationMs } from "../../core/schema/duration.ts";
import type { ScenarioStep } from "../../core/schema/scenario.ts";
import type { GuestControl } from "./guest-control.ts";
import { whileAlive } from "./living-guest.ts";
import type { StepContext } from "./step-actions.ts";
import { stepInWords } from "./step-title.ts";

type PinReference = Pick<NonNullable<ScenarioStep["expect-pin"]>, "pin" | "name" | "part-id">;

/** Drives a pin, for good or for a time. @throws {FarmError} UnknownPin, PinNotDrivable, PinsFailed */
export async function setPin(step: ScenarioStep, { guest, progress }: StepContext): Promise<void> {
  const wanted = step["set-pin"];
  if (wanted === undefined) return;
  const pin = pinOf(wanted, guest);
  // Checked before the start, for the circuit as it is at this step.
  if ("level" in pin) throw new FarmError("InvalidRequest", { problems: "the pin is on no line of the board" });
  const driven =
    wanted.for === undefined
      ? guest.pins.drive(pin.line, wanted.value)
      : guest.pins.pulse(pin.line, wanted.value, durationMs(wanted.for));
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
  const pin = pinOf(wanted, guest);
  if ("level" in pin) {
    if (pin.level === wanted.value) return;
    throw notMet(step, wanted.value, pin.level);
  }
  const changed = { wait: Promise.withResolvers<void>() };
  const stopListening = guest.pins.onEdges(() => {
    changed.wait.resolve();
    changed.wait = Promise.withResolvers();
  });
  try {
    for (;;) {
      const next = changed.wait.promise;
      const level = await progress.race(guest.pins.read(pin.line));
      if (level === wanted.value) return;
      if (step.timeout === undefined) throw notMet(step, wanted.value, level);
      await progress.race(next);
    }
  } finally {
    stopListening();
  }
}

/** A line of the board, also by the pin of a part that is wired to it; or a level that no line makes. */
function pinOf(
  { pin, name, "part-id": part }: PinReference,
  { parts }: GuestControl,
): { readonly line: number | string } | { readonly level: 0 | 1 } {
  const own = pin ?? name ?? "";
  return part === undefined || !parts ? { line: own } : parts.sense(part, String(own));
}

/** Moves a control of a part of the diagram. @throws {FarmError} NotFound, InvalidRequest, PinsFailed */
export async function setControl(step: ScenarioStep, context: StepContext): Promise<void> {
  const wanted = step["set-control"];
  const { parts } = context.guest;
  if (wanted === undefined || !parts) return;
  await whileAlive(step, context, () => parts.setControl(wanted["part-id"], wanted.control, wanted.value));
}

function notMet(step: ScenarioStep, wanted: 0 | 1, level: 0 | 1 | undefined): FarmError {
  const actual = level === undefined ? "the guest has not driven it yet" : `it is ${level}`;
  return new FarmError("ExpectationNotMet", { step: stepInWords(step), expected: `level ${wanted}`, actual });
}
