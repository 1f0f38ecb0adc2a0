import { InvalidArgumentError } from "commander";

/** Durations go on as they were written. */
export function durationText(text: string): string {
  if (/^\d+(\.\d+)?(ms|s|m|h|d)$/.test(text)) return text;
  throw new InvalidArgumentError("It must be a number and a unit of ms, s, m, h or d, such as 90s.");
}

export function someText(text: string): string {
  if (text !== "") return text;
  throw new InvalidArgumentError("It must not be empty.");
}

function wholeNumber(text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
}

export const exitCodeNumber = (text: string) => wholeNumber(text, 0, 255);
export const cpuNumber = (text: string) => wholeNumber(text, 0, 255);
export const portNumber = (text: string) => wholeNumber(text, 0, 65_535);
export const countOfChanges = (text: string) => wholeNumber(text, 1, 1_000_000_000);
export const positiveNumber = (text: string) => wholeNumber(text, 1, 10_000);
export const collected = (text: string, previous: string[] | undefined) => [...(previous ?? []), text];
