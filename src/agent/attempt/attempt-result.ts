import type { FarmError } from "../../core/error/farm-error.ts";
import { verdictOfError } from "../../core/policy/verdict-of-error.ts";
import type { AttemptResult, GuestExit } from "../../core/wire/attempt.ts";
import type { Guest } from "../guest/guest.ts";
import type { ScenarioResult } from "../scenario/scenario-result.ts";
import type { UartHub } from "../uart/uart-hub.ts";
import type { Artifacts } from "./artifacts.ts";
import type { AttemptTimings } from "./attempt-timings.ts";
import { uartLogs } from "./uart-logs.ts";

/** Of an attempt, what its result tells. Its hubs have ended. */
interface EndedAttempt {
  readonly hubs: readonly UartHub[];
  readonly guest: Guest;
  readonly artifacts: Artifacts;
  readonly startedAt: string;
  readonly timings: AttemptTimings;
}

/** Lines of the console that travel in the result. */
const LAST_LINES = 20;

/** The result of an attempt whose scenario has come to its end. */
export function attemptResult(attempt: EndedAttempt, outcome: ScenarioResult, totalMs: number): AttemptResult {
  const { hubs, guest, artifacts, startedAt, timings } = attempt;
  const exit = exitOf(guest, outcome.error);
  return {
    verdict: outcome.verdict,
    ...(outcome.error && { error: outcome.error.toBody() }),
    ...(exit && { exit }),
    steps: outcome.steps,
    testCases: outcome.testCases,
    logs: uartLogs(hubs),
    ...(artifacts.list.length > 0 && { artifacts: artifacts.list }),
    lastLines: hubs[0]?.lastLines(LAST_LINES) ?? [],
    resets: guest.resets,
    boots: guest.boots,
    ...emulatorOf(guest),
    startedAt,
    timings: { totalMs, ...timings.marks },
  };
}

/** The result of an attempt that the farm could not carry to its end. */
export function brokenResult({ guest, startedAt, timings }: EndedAttempt, error: FarmError): AttemptResult {
  return {
    verdict: verdictOfError(error),
    error: error.toBody(),
    steps: [],
    testCases: [],
    logs: [],
    lastLines: [],
    resets: guest.resets,
    boots: guest.boots,
    startedAt,
    timings: { totalMs: timings.nowMs(), ...timings.marks },
  };
}

/** A guest that still runs when its test is decided is stopped by the farm. */
function exitOf(guest: Guest, error: FarmError | undefined): GuestExit | undefined {
  if (!guest.boot) return guest.lastExit;
  return { reason: error?.code === "OutputLimit" ? "OutputLimit" : "Stopped" };
}

function emulatorOf({ emulator: used }: Guest): Pick<AttemptResult, "emulator"> {
  if (!used) return {};
  const { info, accelerator } = used.emulator;
  return { emulator: { binary: info.binary, version: info.version, accelerator, strategy: used.strategy } };
}
