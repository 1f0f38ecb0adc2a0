import { FarmError } from "../../core/error/farm-error.ts";

/**
 * Commands that clients may send: those that look, and those that the guest's own board has buttons for. None that
 * ends the emulator, changes its devices, or makes it open a file or a socket of the host.
 */
const ALLOWED: ReadonlySet<string> = new Set([
  "qom-list",
  "qom-get",
  "qom-list-types",
  "qom-list-properties",
  "device-list-properties",
  "system_reset",
  "system_powerdown",
  "stop",
  "cont",
]);
/** QEMU names every command so that only looks; what begins with `x-query-` is for developers and is left out. */
const LOOKING = /^query-[a-z0-9-]+$/;

export function isAllowedCommand(command: string): boolean {
  return ALLOWED.has(command) || LOOKING.test(command);
}

/** @throws {FarmError} QmpCommandRefused */
export function assertAllowedCommand(command: string): void {
  if (!isAllowedCommand(command)) throw new FarmError("QmpCommandRefused", { command });
}
