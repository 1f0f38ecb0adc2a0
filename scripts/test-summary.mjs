/**
 * @typedef {object} Totals what a whole run of the tests came to
 * @property {number} passed
 * @property {number} failed tests that failed, files that could not be loaded, and errors outside of any test
 * @property {number} skipped
 * @property {{ name: string, reason: string }[]} skips
 */

/**
 * The last line of `npm test`.
 *
 * @param {Totals} totals
 */
export function summaryLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/**
 * A run without a single passed test is none; on CI, where every tool is there to be had, a skipped test is a failure.
 *
 * @param {Totals} totals
 * @param {{ isCi: boolean, runnerCode: number | null }} circumstances
 */
export function exitCode({ passed, failed, skipped }, { isCi, runnerCode }) {
  if (failed > 0 || passed === 0 || runnerCode !== 0) return 1;
  return isCi && skipped > 0 ? 1 : 0;
}

/**
 * Skipped tests with their reasons, one line each, those of one reason and file together.
 *
 * @param {Totals} totals
 */
export function skipLines({ skips }) {
  return skips.map(({ name, reason }) => `skipped: ${name}${reason === "" ? "" : ` (${reason})`}`);
}
