import { FarmError } from "../../core/error/farm-error.ts";
import type { QmpSession } from "../qmp/qmp-session.ts";
import type { Guest } from "./guest.ts";

/**
 * QMP of a guest whose board is on.
 * @param what is asked for, in words
 * @throws {FarmError} BoardOff
 */
export function runningQmp({ boot }: Pick<Guest, "boot">, what: string): QmpSession {
  if (boot) return boot.qmp;
  throw new FarmError("BoardOff", { what });
}
