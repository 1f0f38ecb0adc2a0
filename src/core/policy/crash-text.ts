import type { GuestExit } from "../wire/attempt.ts";

/** Armv7-M Architecture Reference Manual, B1.5.15: a CPU that can do nothing but stand still. */
const LOCKUP = /\blockup\b/i;
const LOCKUP_WORDS =
  "the CPU locked up: a fault came where none can be handled, as within a fault's handler, or without a valid vector table or stack";

/** How a guest crashed, in a line: the emulator's cause, where it was, and what a lock-up is. All else stays in its end. */
export function crashText({ detail = "", place }: Pick<GuestExit, "detail" | "place">): string {
  const words = place === undefined ? "" : ` ${place}`;
  const where = armRegisters(detail);
  const told = where === "" ? `${detail.trim()}${words}` : `${detail.split("\n", 1)[0]}${words} (${where})`;
  return LOCKUP.test(detail) ? `${told}; ${LOCKUP_WORDS}` : told;
}

/** Of an Arm emulator's dump of registers, those that say where it crashed. */
function armRegisters(dump: string): string {
  const register = (name: string) => new RegExp(`\\b${name}=([0-9a-f]{8})\\b`).exec(dump)?.[1];
  return [
    ["PC", register("R15")],
    ["LR", register("R14")],
    ["XPSR", register("XPSR")],
  ]
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name} 0x${value}`]))
    .join(", ");
}
