import { FarmError } from "../../core/error/farm-error.ts";
import { unsupportedOnMachine, withSwitches } from "../../core/policy/instance-change.ts";
import { type EmulatorInstanceSpec, emulatorInstanceSpec } from "../../core/schema/emulator-instance.ts";
import type { BoardAvailability } from "../board/board-availability.ts";
import type { ImportFirmware } from "../firmware/firmware-importer.ts";
import { bringFirmware, isAtHand, sourceKeyOf } from "./instance-firmware.ts";
import type { StoredInstance } from "./instance-record.ts";

/** What a caller sends: an object whose spec is as it was written, without what it leaves out. */
export interface GivenInstance {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** The instance that is meant, and the generation that the caller has seen; others are refused. */
  readonly uid?: string | undefined;
  readonly generation?: number | undefined;
  /** True refuses to change one that is there. */
  readonly mustBeNew?: boolean;
  readonly spec: Readonly<Record<string, unknown>>;
}

/** The whole spec; what is switched by hand stays as it is now, where it is left out. @throws {FarmError} InvalidRequest */
export function specOf({ spec }: GivenInstance, now: EmulatorInstanceSpec | undefined): EmulatorInstanceSpec {
  const read = emulatorInstanceSpec.safeParse(withSwitches(spec, now));
  if (read.success) return read.data;
  const problems = read.error.issues.map(({ path, message }) => `${["spec", ...path].join(".")}: ${message}`);
  throw new FarmError("InvalidRequest", { problems: problems.join("; ") });
}

/** @throws {FarmError} Conflict where another instance, or another generation, is there than the caller means */
export function checkPrecondition(
  { name, uid, generation, mustBeNew = false }: Omit<GivenInstance, "spec">,
  known: StoredInstance | undefined,
): void {
  const what = `EmulatorInstance ${name}`;
  const deleted = "it has been deleted since";
  if (mustBeNew && known) throw new FarmError("Conflict", { what, problem: "there is one of that name already" });
  if (uid !== undefined && uid !== known?.uid) {
    const problem = known ? "another one of this name has been made since" : deleted;
    throw new FarmError("Conflict", { what, problem });
  }
  if (generation === undefined || generation === known?.generation) return;
  const problem = known
    ? `it is at generation ${known.generation}, the request is about ${generation}: read it again`
    : deleted;
  throw new FarmError("Conflict", { what, problem });
}

/**
 * Refuses what cannot be before anything is stored; firmware that is at hand is looked at.
 * @throws {FarmError} NotSupportedHere, BoardUnavailable, FirmwareUnknown, Firmware...
 */
export async function checkInstance(
  { availability, importFirmware }: { availability: BoardAvailability; importFirmware: ImportFirmware },
  { spec, board, firmware }: StoredInstance,
): Promise<Pick<StoredInstance, "firmware">> {
  const missing = unsupportedOnMachine(spec);
  if (missing) throw new FarmError("NotSupportedHere", { ...missing, board: spec.board });
  const answer = await availability.check(spec.board, board);
  if (answer.isAvailable === false) throw FarmError.fromBody(answer.error);
  const source = spec.firmware;
  if (!source || !isAtHand(source) || firmware?.sourceKey === sourceKeyOf(source, board)) return {};
  return { firmware: await bringFirmware(importFirmware, source, { name: spec.board, spec: board }) };
}
