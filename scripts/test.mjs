/** `npm test`, once everything is installed: runs vitest over all tests and ends with one line of totals. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectFolder } from "./setup/folders.mjs";
import { exitCode, skipLines, summaryLine } from "./test-summary.mjs";

/** @typedef {import("./test-summary.mjs").Totals} Totals */

const folder = mkdtempSync(join(tmpdir(), "emufarm-test-"));
const totalsFile = join(folder, "totals.json");

/** @returns {Promise<number | null>} */
function runVitest() {
  const args = [
    join(projectFolder, "node_modules/vitest/vitest.mjs"),
    "run",
    "--reporter=default",
    `--reporter=${join(projectFolder, "scripts/test-totals-reporter.mjs")}`,
    ...process.argv.slice(2),
  ];
  const child = spawn(process.execPath, args, {
    cwd: projectFolder,
    stdio: "inherit",
    env: { ...process.env, EMUFARM_TEST_TOTALS: totalsFile },
  });
  // A Ctrl-C reaches vitest by itself; it is waited for, so that the totals come last.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  return new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
}

/** @returns {Totals} */
function readTotals() {
  try {
    return JSON.parse(readFileSync(totalsFile, "utf8"));
  } catch {
    // vitest ended before it could count: that is a failure, not an empty run.
    return { passed: 0, failed: 1, skipped: 0, skips: [] };
  }
}

const runnerCode = await runVitest();
const totals = readTotals();
rmSync(folder, { recursive: true, force: true });
process.exitCode = exitCode(totals, { isCi: process.env.CI === "true", runnerCode });
process.stdout.write([...skipLines(totals), summaryLine(totals), ""].join("\n"));
