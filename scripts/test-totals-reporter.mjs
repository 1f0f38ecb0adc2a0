import { writeFileSync } from "node:fs";

/** @typedef {import("vitest/node").TestModule} TestModule */

/** Counts everything that vitest ran and leaves the totals in the file named by EMUFARM_TEST_TOTALS. */
export default class TestTotalsReporter {
  /**
   * @param {ReadonlyArray<TestModule>} modules
   * @param {ReadonlyArray<unknown>} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    const file = process.env.EMUFARM_TEST_TOTALS;
    if (file !== undefined) writeFileSync(file, JSON.stringify(totalsOf(modules, unhandledErrors)));
  }
}

/**
 * @param {ReadonlyArray<TestModule>} modules
 * @param {ReadonlyArray<unknown>} unhandledErrors
 * @returns {import("./test-summary.mjs").Totals}
 */
function totalsOf(modules, unhandledErrors) {
  /** @type {import("./test-summary.mjs").Totals} */
  const totals = { passed: 0, failed: unhandledErrors.length, skipped: 0, skips: [] };
  for (const module of modules) {
    totals.failed += module.errors().length;
    for (const suite of module.children.allSuites()) totals.failed += suite.errors().length;
    for (const test of module.children.allTests()) {
      const result = test.result();
      if (result.state === "passed") totals.passed += 1;
      else if (result.state === "skipped") {
        totals.skipped += 1;
        totals.skips.push({ name: `${module.relativeModuleId} > ${test.fullName}`, reason: result.note ?? "" });
      } else totals.failed += 1; // A test that never ended (state "pending") did not pass either.
    }
  }
  return totals;
}
