import { FarmError } from "../core/error/farm-error.ts";
import type { Scenario, ScenarioStep } from "../core/schema/scenario.ts";
import { compileLinePattern } from "./line-pattern.ts";
import { compilePattern, type PatternSource, refusal } from "./pattern.ts";

const REQUIRED_GROUPS = ["name", "result"];

/**
 * Holds every regular expression of a scenario against what a stream allows, before anything is started.
 * @throws {FarmError} InvalidPattern; `place` in its details is where in the scenario, such as `fail.0.regex`
 */
export function checkPatterns({ steps, fail, monitors }: Scenario): void {
  for (const [index, step] of steps.entries()) {
    at(`steps.${index}.wait-serial`, () => waitSerialSources(step).forEach(compilePattern));
  }
  for (const [index, one] of fail.entries()) {
    if (typeof one !== "string") at(`fail.${index}.regex`, () => compilePattern({ regex: one.regex }));
  }
  for (const [index, { type, pattern, end }] of monitors.entries()) {
    if (end !== undefined) at(`monitors.${index}.end`, () => compileLinePattern(end));
    if (type === "regex" && pattern !== undefined) at(`monitors.${index}.pattern`, () => checkMonitorPattern(pattern));
  }
}

function checkMonitorPattern(pattern: string): void {
  const { groupNames } = compileLinePattern(pattern);
  const missing = REQUIRED_GROUPS.filter((name) => !groupNames.has(name));
  if (missing.length === 0) return;
  throw refusal(
    pattern,
    `a monitor's pattern needs the named groups name and result; ${missing.join(" and ")} not there, such as (?P<name>\\w+)`,
  );
}

function at(place: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof FarmError)) throw error;
    throw new FarmError(error.code, { ...error.details, place }, { cause: error });
  }
}

/** What a wait-serial step waits for; all of it must come. */
export function waitSerialSources(step: ScenarioStep): PatternSource[] {
  const wait = step["wait-serial"];
  if (wait === undefined) return [];
  if (typeof wait === "string") return [{ text: wait }];
  if (wait.text !== undefined) return [{ text: wait.text }];
  if (wait.regex !== undefined) return [{ regex: wait.regex }];
  return (wait.all ?? []).map((one) => (typeof one === "string" ? { text: one } : one));
}
