import { FarmError } from "../../core/error/farm-error.ts";
import type { Boot } from "../boot/boot.ts";
import type { Guest } from "./guest.ts";

/** A guest as far as its boot is needed. */
export type BootedGuest = Pick<Guest, "boot" | "starting">;

/**
 * The boot of a guest whose board is on; a start that is under way is waited for.
 * @param what is asked for, in words
 * @throws {FarmError} BoardOff
 */
export async function runningBoot(guest: BootedGuest, what: string): Promise<Boot> {
  await guest.starting;
  if (guest.boot) return guest.boot;
  throw new FarmError("BoardOff", { what });
}
