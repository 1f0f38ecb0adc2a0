import { randomInt } from "node:crypto";

const TIME_DIGITS = 9;
const RANDOM_DIGITS = 7;
const BASE = 36;

/** An id that sorts by time of creation. */
export function createRunId(nowMs: number): string {
  const time = nowMs.toString(BASE).padStart(TIME_DIGITS, "0");
  const random = Array.from({ length: RANDOM_DIGITS }, () => randomInt(BASE).toString(BASE)).join("");
  return `r${time}${random}`;
}
