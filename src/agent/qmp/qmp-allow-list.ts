import { FarmError } from "../../core/error/farm-error.ts";

/** Commands that only look. */
const LOOKING: ReadonlySet<string> = new Set([
  "qom-list",
  "qom-get",
  "qom-list-types",
  "qom-list-properties",
  "device-list-properties",
]);
/** QEMU names every command so that only looks; what begins with `x-query-` is for developers and is left out. */
const QUERY = /^query-[a-z0-9-]+$/;
/** What the guest's own board has buttons, keys and a power switch for. */
const WORKING: ReadonlySet<string> = new Set([
  "system_reset",
  "system_powerdown",
  "stop",
  "cont",
  "send-key",
  "input-send-event",
]);

/** True for a command that changes nothing. */
export function isLookingCommand(command: string): boolean {
  return LOOKING.has(command) || QUERY.test(command);
}

/**
 * Commands that clients may send as they are: none that ends the emulator, changes its devices, or makes it open a file
 * or a socket of the host.
 */
export function isAllowedCommand(command: string): boolean {
  return isLookingCommand(command) || WORKING.has(command);
}

/** @throws {FarmError} QmpCommandRefused */
export function assertAllowedCommand(command: string): void {
  if (!isAllowedCommand(command)) throw new FarmError("QmpCommandRefused", { command });
}
