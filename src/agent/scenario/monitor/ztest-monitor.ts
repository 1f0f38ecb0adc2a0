import { compileLinePattern } from "../../../pattern/line-pattern.ts";
import type { LineMonitor } from "./line-monitor.ts";

const OUTCOMES = { PASS: "passed", FAIL: "failed", SKIP: "skipped" } as const;
type Result = keyof typeof OUTCOMES;

/**
 * Zephyr's ztest: `Running TESTSUITE name`, ` PASS - test_name in 0.001 seconds`, and at the end
 * `PROJECT EXECUTION SUCCESSFUL`. The assertion that failed is printed before the test's FAIL.
 */
export function createZtestMonitor(): LineMonitor {
  const suiteStart = compileLinePattern("Running (?:TESTSUITE|test suite) (?P<suite>\\S+)");
  const result = compileLinePattern(
    "^\\s*(?P<result>PASS|FAIL|SKIP) - (?P<name>[^\\s\\[]\\S*)(?: in (?P<seconds>[0-9.]+) seconds)?\\s*$",
  );
  const assertion = compileLinePattern("Assertion failed at (?P<file>.+?):(?P<line>[0-9]+): (?P<message>.*)$");
  const end = compileLinePattern("PROJECT EXECUTION (?P<result>SUCCESSFUL|FAILED)");
  let suite = "ztest";
  let failure: { message?: string; file?: string; line?: number } = {};
  return (line) => {
    const ended = end.match(line);
    if (ended) return { end: { failed: ended.result === "FAILED" } };
    suite = suiteStart.match(line)?.suite ?? suite;
    const failed = assertion.match(line);
    if (failed) failure = { message: failed.message ?? "", file: failed.file ?? "", line: Number(failed.line) };
    const found = result.match(line);
    if (!found) return undefined;
    const outcome = OUTCOMES[found.result as Result];
    const why = outcome === "failed" ? failure : {};
    failure = {};
    const duration =
      found.seconds === undefined ? {} : { durationMs: Math.round(Number(found.seconds) * 1_000_000) / 1_000 };
    return { testCase: { suite, name: found.name ?? "", outcome, ...why, ...duration } };
  };
}
