import type { Monitor } from "../../../core/schema/scenario.ts";
import { compileLinePattern } from "../../../pattern/line-pattern.ts";
import type { LineMonitor } from "./line-monitor.ts";

/** A pattern of the user's own with the groups name and result, and optionally suite, message, file and line. */
export function createRegexMonitor(monitor: Monitor): LineMonitor {
  const pattern = compileLinePattern(monitor.pattern ?? "");
  const end = monitor.end === undefined ? undefined : compileLinePattern(monitor.end);
  const outcomeOf = (result: string) =>
    monitor.passed.includes(result) ? "passed" : monitor.skipped.includes(result) ? "skipped" : "failed";
  return (line) => {
    const found = pattern.match(line);
    const isEnd = end?.match(line) !== undefined;
    if (!found) return isEnd ? { end: {} } : undefined;
    const { suite, name, result = "", message, file, line: at } = found;
    return {
      testCase: {
        suite: suite ?? "regex",
        name: name ?? "",
        outcome: outcomeOf(result),
        ...(message && { message }),
        ...(file && { file }),
        ...(at && /^\d+$/.test(at) && { line: Number(at) }),
      },
      ...(isEnd && { end: {} }),
    };
  };
}
