import { describe, expect, test } from "vitest";
import { exitCode, skipLines, summaryLine, type Totals } from "../../scripts/test-summary.mjs";

const totals = (changes: Partial<Totals> = {}): Totals => ({ passed: 3, failed: 0, skipped: 0, skips: [], ...changes });
const good = { isCi: false, runnerCode: 0 };

describe("the totals of npm test", () => {
  test("are one line of three counts", () => {
    expect(summaryLine(totals({ failed: 1, skipped: 2 }))).toBe("3 passed, 1 failed, 2 skipped");
  });

  test("name every skipped test with its reason", () => {
    const skips = [{ name: "a.test.ts > boots", reason: "QEMU 9.1 is needed, 7.2 is installed" }];
    expect(skipLines(totals({ skipped: 1, skips }))).toEqual([
      "skipped: a.test.ts > boots (QEMU 9.1 is needed, 7.2 is installed)",
    ]);
  });

  test.each([
    { name: "all passed", totals: totals(), circumstances: good, code: 0 },
    { name: "one failed", totals: totals({ failed: 1 }), circumstances: good, code: 1 },
    { name: "nothing ran", totals: totals({ passed: 0 }), circumstances: good, code: 1 },
    { name: "vitest itself failed", totals: totals(), circumstances: { ...good, runnerCode: 1 }, code: 1 },
    { name: "vitest was killed", totals: totals(), circumstances: { ...good, runnerCode: null }, code: 1 },
    { name: "a skip on a laptop", totals: totals({ skipped: 1 }), circumstances: good, code: 0 },
    { name: "a skip on CI", totals: totals({ skipped: 1 }), circumstances: { ...good, isCi: true }, code: 1 },
  ])("give exit code $code: $name", ({ totals: given, circumstances, code }) => {
    expect(exitCode(given, circumstances)).toBe(code);
  });
});
