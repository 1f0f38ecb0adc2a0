import { setTimeout as delay } from "node:timers/promises";
import { FarmError } from "../../core/error/farm-error.ts";
import { durationMs } from "../../core/schema/duration.ts";
import type { ScenarioStep, StepAction } from "../../core/schema/scenario.ts";
import type { GuestExit } from "../../core/wire/attempt.ts";
import { waitSerialSources } from "../../pattern/check-patterns.ts";
import { compilePattern, describePattern } from "../../pattern/pattern.ts";
import { createPatternSet } from "../../pattern/pattern-scanner.ts";
import type { Progress } from "../progress.ts";
import { isLike } from "./expected-value.ts";
import type { GuestControl } from "./guest-control.ts";
import { describeExit, exitError, type GuestLimits, isOwnEnd } from "./guest-end.ts";
import { endedTooSoon, whileAlive } from "./living-guest.ts";
import { expectPin, setControl, setPin } from "./pin-steps.ts";
import { workProperty } from "./property-step.ts";
import { takeScreenshot } from "./screenshot-step.ts";
import type { SerialStream } from "./serial-stream.ts";
import { actionOf, stepInWords } from "./step-title.ts";

/** What a step works with. */
export interface StepContext {
  readonly guest: GuestControl;
  readonly limits: GuestLimits;
  /** Deadline and end of this step. */
  readonly progress: Progress;
  readonly streams: ReadonlyMap<string, SerialStream>;
  /** Timeouts stand still while the CPU does. */
  setPaused(isPaused: boolean): void;
}

/**
 * Carries out one step.
 * @throws {FarmError} the reason why it failed, or that of the progress' end
 */
export async function performStep(step: ScenarioStep, context: StepContext): Promise<void> {
  const action = actionOf(step);
  const perform = ACTIONS[action];
  if (perform === undefined) {
    throw new FarmError("NotSupportedByBoard", { what: action, board: "any", problem: "the farm cannot do it yet" });
  }
  await perform(step, context);
}

const ACTIONS: Partial<Record<StepAction, (step: ScenarioStep, context: StepContext) => Promise<void>>> = {
  "wait-serial": waitSerial,
  "write-serial": writeSerial,
  delay: async (step, { progress }) => {
    await progress.race(delay(durationMs(step.delay ?? "0ms"), undefined, { signal: progress.signal }));
  },
  power: async (step, { guest, progress }) => {
    if (step.power !== undefined) await progress.race(guest.power(step.power));
  },
  reset,
  pause: async (step, context) => {
    await whileAlive(step, context, () => context.guest.pause());
    context.setPaused(true);
  },
  resume: async (step, context) => {
    await whileAlive(step, context, () => context.guest.resume());
    context.setPaused(false);
  },
  qmp: queryQmp,
  property: workProperty,
  "take-screenshot": takeScreenshot,
  "expect-exit": expectExit,
  "set-pin": setPin,
  "set-control": setControl,
  "expect-pin": expectPin,
};

/** On some boards a reset is a restart, which ends a boot: only an end before or instead of it counts as one. */
async function reset(step: ScenarioStep, context: StepContext): Promise<void> {
  const refuseEnded = () => whileAlive(step, context, async () => {});
  await refuseEnded();
  try {
    await context.progress.race(context.guest.reset());
  } catch (error) {
    await refuseEnded();
    throw error;
  }
}

async function waitSerial(step: ScenarioStep, context: StepContext): Promise<void> {
  const { guest, progress } = context;
  const stream = context.streams.get(uartOf(step["wait-serial"], guest));
  if (stream === undefined) throw noUart(uartOf(step["wait-serial"], guest));
  const matched = stream.waitFor(createPatternSet(waitSerialSources(step).map(compilePattern)));
  let isOver = false;
  const ended = guest.exited().then((exit) => {
    if (!isOver && !stream.finish()) throw endedTooSoon(exit, step, context, { lastLines: stream.lastLines(20) });
  });
  // Whichever comes second has nobody who waits for it; the race below has told its reason.
  for (const promise of [matched, ended]) promise.catch(() => {});
  try {
    await progress.race(Promise.race([matched, ended]));
  } finally {
    isOver = true;
  }
}

/** What a wait-serial step still misses, in words, with the last lines of its UART: for the sentence of its timeout. */
export function waitSerialReport(step: ScenarioStep, context: StepContext): { missing: string; lastLines: string } {
  const stream = context.streams.get(uartOf(step["wait-serial"], context.guest));
  const sources = waitSerialSources(step).filter((_source, index) => stream?.missing.has(index) ?? true);
  return { missing: sources.map(describePattern).join(", "), lastLines: stream?.lastLines(20) ?? "" };
}

async function writeSerial(step: ScenarioStep, context: StepContext): Promise<void> {
  const name = uartOf(step["write-serial"], context.guest);
  const uart = context.guest.uarts.get(name);
  if (uart === undefined) throw noUart(name);
  await whileAlive(step, context, () => uart.write(bytesOf(step["write-serial"])));
}

async function queryQmp(step: ScenarioStep, context: StepContext): Promise<void> {
  const { qmp } = step;
  if (qmp === undefined) return;
  const answer = await whileAlive(step, context, () => context.guest.qmp(qmp.execute, qmp.arguments));
  if (qmp.expect === undefined || isLike(answer, qmp.expect)) return;
  const actual = `it returned ${JSON.stringify(answer)}`;
  throw new FarmError("ExpectationNotMet", { step: stepInWords(step), expected: JSON.stringify(qmp.expect), actual });
}

async function expectExit(step: ScenarioStep, context: StepContext): Promise<void> {
  const exit = await context.progress.race(context.guest.exited());
  const expected = step["expect-exit"];
  if (expected === undefined || isExpected(exit, expected)) return;
  const crash = isOwnEnd(exit) ? undefined : exitError(exit, context.limits);
  if (crash) throw crash;
  const words = typeof expected === "number" ? `exit code ${expected}` : JSON.stringify(expected);
  const actual = `the guest ended with ${describeExit(exit)}`;
  throw new FarmError("ExpectationNotMet", { step: stepInWords(step), expected: words, actual });
}

function isExpected(exit: GuestExit, expected: NonNullable<ScenarioStep["expect-exit"]> | null): boolean {
  const code = exit.code ?? (exit.reason === "GuestShutdown" ? 0 : undefined);
  if (expected === null || expected === true) return isOwnEnd(exit);
  if (typeof expected === "number") return isOwnEnd(exit) && code === expected;
  const isReason = expected.reason === undefined || expected.reason === exit.reason;
  return isReason && (expected.code === undefined || expected.code === code);
}

function uartOf(value: unknown, guest: GuestControl): string {
  const isNamed = typeof value === "object" && value !== null && "uart" in value && typeof value.uart === "string";
  return isNamed ? (value.uart as string) : guest.console;
}

function bytesOf(value: ScenarioStep["write-serial"]): Uint8Array {
  if (typeof value === "string") return Buffer.from(value);
  if (Array.isArray(value)) return Uint8Array.from(value);
  return value?.bytes === undefined ? Buffer.from(value?.text ?? "") : Uint8Array.from(value.bytes);
}

function noUart(name: string): FarmError {
  return new FarmError("NotFound", { kind: "UART", name });
}
