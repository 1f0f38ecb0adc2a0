import type { NumberOrPercentage } from "../schema/emulator-pool.ts";

/** A number as it stands, or so much of the whole. */
export function amountOf(amount: NumberOrPercentage, whole: number, round: (value: number) => number): number {
  return typeof amount === "number" ? amount : round((whole * Number.parseInt(amount, 10)) / 100);
}
