import type { FarmError } from "../../core/error/farm-error.ts";
import type { InstanceStatus } from "../../core/wire/desired-state.ts";
import { exitError } from "../scenario/guest-end.ts";
import type { InstanceBoard } from "./instance-board.ts";
import type { InstanceRecord } from "./instance-store.ts";
import type { InstanceUsage } from "./instance-usage.ts";
import { firmwareKeyOf, type ObservedInstance } from "./plan.ts";

/** What is known of an instance at a moment. */
export interface InstanceMoment {
  readonly record: InstanceRecord;
  readonly board: InstanceBoard | undefined;
  readonly isConverging: boolean;
  readonly isRunning: boolean;
  readonly isReady: boolean;
  readonly isPaused: boolean;
  readonly usage: Pick<InstanceUsage, "isInUse" | "lastUsedAt">;
  /** Why it is not as desired. */
  readonly error: FarmError | undefined;
}

const NO_LIMITS = { memoryLimitMiB: 0, outputLimitBytes: 0, maxResets: 0 };

/** The instance as callers see it. */
export function instanceStatusOf(moment: InstanceMoment): InstanceStatus {
  const { record, board, isConverging, isReady, error } = moment;
  const { desired, restarts, lastExit, lastExitAt, lastLines, firmware } = record;
  const phase = phaseOf(moment);
  // One that was started paused is as desired, too, once its debugger lets it run.
  const isLetRun = phase === "Running" && board?.guest.wasDebugged === true;
  const wanted = desired.power === "Off" ? "PoweredOff" : desired.isPaused && !isLetRun ? "Paused" : "Running";
  const isAsDesired = phase === wanted;
  const isFirmwareLoaded = record.firmwareKey === firmwareKeyOf(desired);
  // A wish that has just come is not under way yet: what runs is still what was.
  const isPresent = !isConverging && (isFirmwareLoaded || desired.power === "Off");
  const hasReadyPattern = desired.power === "On" && !desired.isPaused && desired.board.ready !== undefined;
  return {
    uid: desired.uid,
    generation: desired.generation,
    revision: desired.revision ?? 0,
    ...(desired.digest !== undefined && { digest: desired.digest }),
    phase,
    isReady: isAsDesired && isPresent && (isReady || !hasReadyPattern),
    boots: board?.guest.boots ?? 0,
    restarts,
    endpoints: (board?.rawPorts ?? []).map(({ name, rawPort }) => ({ name, port: rawPort.port })),
    isFirmwareLoaded,
    ...(firmware !== undefined && { firmware }),
    ...(lastExit && { lastExit }),
    ...(lastExitAt !== undefined && { lastExitAt }),
    ...(lastLines && { lastLines: [...lastLines] }),
    isInUse: moment.usage.isInUse,
    lastUsedAt: moment.usage.lastUsedAt,
    ...emulatorOf(board),
    ...(error && { error: error.toBody() }),
  };
}

function emulatorOf(board: InstanceBoard | undefined): Pick<InstanceStatus, "emulator"> {
  const used = board?.guest.emulator?.emulator;
  if (!used) return {};
  const { info, accelerator } = used;
  return { emulator: { binary: info.binary, version: info.version, accelerator } };
}

/** Whether its guest has ended by itself, and how. */
export function endOf({ ended }: InstanceRecord): ObservedInstance["end"] {
  if (!ended) return "none";
  return exitError(ended, NO_LIMITS) ? "failed" : "succeeded";
}

function phaseOf({ record, board, isRunning, isPaused, error }: InstanceMoment): InstanceStatus["phase"] {
  if (board?.guest.boot) {
    if (!isRunning) return "Starting";
    return isPaused ? "Paused" : "Running";
  }
  if (record.desired.power === "Off") return "PoweredOff";
  const end = endOf(record);
  if (end === "none") return error === undefined ? "Starting" : "Failed";
  return end === "succeeded" ? "Succeeded" : "Failed";
}
