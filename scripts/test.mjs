/** `npm test`, once everything is installed: runs vitest over all tests and ends with one line of totals. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildTools } from "./cluster/build.ts";
import { noClusterReason, TEST_TOOLS } from "./cluster/wanted.ts";
import { ensureContainerTools } from "./images/container-tools.ts";
import { buildFarmQemu } from "./qemu/build.ts";
import { ownCacheFolder, projectFolder } from "./setup/folders.mjs";
import { SetupError, say } from "./setup/say.mjs";
import { exitCode, skipLines, summaryLine } from "./test-summary.mjs";

/** @typedef {import("./test-summary.mjs").Totals} Totals */

/** How long vitest may take to end once all tests have: one that hangs on what a test left running is a failure. */
const GRACE_MS = 30_000;

const folder = mkdtempSync(join(tmpdir(), "emufarm-test-"));
const totalsFile = join(folder, "totals.json");

/**
 * Makes what takes long: the farm's own QEMU, and where a cluster is wanted, the programs of one. Where something cannot
 * be made, the tests that ask for it are skipped; on CI nothing may be.
 *
 * @returns {Promise<boolean>} whether the tests may run
 */
async function tryToBuild() {
  const cache = ownCacheFolder();
  const areLong = process.env.EMUFARM_TEST_FAULTS === "all";
  const builds = [
    ...(process.env.EMUFARM_TEST_QEMU === "0"
      ? []
      : [() => buildFarmQemu({ images: join(projectFolder, "images/qemu"), cache })]),
    ...(noClusterReason(process.env) === undefined
      ? [() => buildTools(cache, TEST_TOOLS), async () => areLong && ensureContainerTools()]
      : []),
  ];
  for (const build of builds) {
    try {
      await build();
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      const isCi = process.env.CI === "true";
      say(isCi ? error.message : `${error.message}. Tests that need it are skipped`);
      if (isCi) return false;
    }
  }
  return true;
}

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
  const watch = setInterval(() => {
    const isOverdue = existsSync(totalsFile) && Date.now() - statSync(totalsFile).mtimeMs > GRACE_MS;
    if (isOverdue) child.kill("SIGKILL");
  }, 1000);
  return new Promise((resolve, reject) => child.on("error", reject).on("close", resolve)).finally(() =>
    clearInterval(watch),
  );
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

if (!(await tryToBuild())) {
  rmSync(folder, { recursive: true, force: true });
  process.exit(2);
}
const runnerCode = await runVitest();
const totals = readTotals();
rmSync(folder, { recursive: true, force: true });
if (runnerCode !== 0 && totals.failed === 0) {
  process.stdout.write(
    `vitest ended with ${runnerCode ?? "a signal"}, though no test failed: did one leave work behind?\n`,
  );
  totals.failed = 1;
}
process.exitCode = exitCode(totals, { isCi: process.env.CI === "true", runnerCode });
process.stdout.write([...skipLines(totals), summaryLine(totals), ""].join("\n"));
