import { FarmError } from "../../core/error/farm-error.ts";
import type { Boot } from "../boot/boot.ts";
import { Progress } from "../progress.ts";
import type { Guest } from "./guest.ts";

/** A guest as far as its boot is needed. */
export type BootedGuest = Pick<Guest, "boot" | "starting">;

/** Less than callers wait for an answer. */
const PATIENCE_S = 20;

/**
 * Settles once a start that is under way is over, however it ended: what is wished of a board meanwhile is about the
 * board that it will be.
 * @param what is asked for, in words
 * @throws {FarmError} BoardStarting where it takes too long
 */
export async function whenStarted(guest: BootedGuest, what: string): Promise<void> {
  using patience = new Progress();
  patience.setDeadline(PATIENCE_S * 1_000, () => new FarmError("BoardStarting", { what, waited: `${PATIENCE_S}s` }));
  await patience.race(startOf(guest));
}

/**
 * The boot of a guest whose board is on; a start that is under way is waited for.
 * @param what is asked for, in words
 * @throws {FarmError} BoardOff, BoardStarting
 */
export async function runningBoot(guest: BootedGuest, what: string): Promise<Boot> {
  await whenStarted(guest, what);
  if (guest.boot) return guest.boot;
  throw new FarmError("BoardOff", { what });
}

/** Settles once a start that is under way is over. */
export async function startOf(guest: BootedGuest): Promise<void> {
  await guest.starting;
  // One that could not start tells that elsewhere.
  await guest.boot?.running.catch(() => {});
}
