import { compileLinePattern } from "../../../pattern/line-pattern.ts";
import type { LineMonitor } from "./line-monitor.ts";

const OUTCOMES = { PASS: "passed", FAIL: "failed", IGNORE: "skipped" } as const;
type Result = keyof typeof OUTCOMES;

/**
 * Unity (ThrowTheSwitch), as its runner and its fixtures print: `file.c:12:test_name:FAIL: message`,
 * `TEST(group, name) PASS`, and at the end `3 Tests 1 Failures 0 Ignored`.
 */
export function createUnityMonitor(): LineMonitor {
  const plain = compileLinePattern(
    "^(?P<file>.+?):(?P<line>[0-9]+):(?P<name>.+?):(?P<result>PASS|FAIL|IGNORE)(?:: ?(?P<message>.*))?$",
  );
  const fixture = compileLinePattern(
    "^(?:IGNORE_)?TEST\\((?P<suite>[^,]+), ?(?P<name>[^)]+)\\) ?(?:(?P<file>.+?):(?P<line>[0-9]+)::)?(?P<result>PASS|FAIL|IGNORE)(?:: ?(?P<message>.*))?$",
  );
  const summary = compileLinePattern(
    "^ ?(?P<total>[0-9]+) Tests (?P<failures>[0-9]+) Failures (?P<ignored>[0-9]+) Ignored",
  );
  return (line) => {
    const end = summary.match(line);
    if (end) return { end: { failed: Number(end.failures) > 0 } };
    const found = fixture.match(line) ?? plain.match(line);
    if (!found) return undefined;
    const { suite, name = "", file, line: at, message, result } = found;
    return {
      testCase: {
        suite: suite ?? file ?? "unity",
        name,
        outcome: OUTCOMES[result as Result],
        ...(message && { message }),
        ...(file !== undefined && { file }),
        ...(at !== undefined && { line: Number(at) }),
      },
    };
  };
}
