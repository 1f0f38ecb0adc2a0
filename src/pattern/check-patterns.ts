import type { Scenario, ScenarioStep } from "../core/schema/scenario.ts";
import { compileLinePattern } from "./line-pattern.ts";
import { compilePattern, type PatternSource, refusal } from "./pattern.ts";

const REQUIRED_GROUPS = ["name", "result"];

/**
 * Holds every regular expression of a scenario against what a stream allows, before anything is started.
 * @throws {FarmError} InvalidPattern
 */
export function checkPatterns(scenario: Scenario): void {
  for (const step of scenario.steps) for (const source of waitSerialSources(step)) compilePattern(source);
  for (const fail of scenario.fail) if (typeof fail !== "string") compilePattern({ regex: fail.regex });
  for (const monitor of scenario.monitors) {
    if (monitor.end !== undefined) compileLinePattern(monitor.end);
    if (monitor.type !== "regex" || monitor.pattern === undefined) continue;
    const { groupNames } = compileLinePattern(monitor.pattern);
    const missing = REQUIRED_GROUPS.filter((name) => !groupNames.has(name));
    if (missing.length === 0) continue;
    throw refusal(
      monitor.pattern,
      `a monitor's pattern needs the named groups name and result; ${missing.join(" and ")} not there, such as (?P<name>\\w+)`,
    );
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
