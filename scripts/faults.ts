/**
 * `npm run test:faults [-- FILE...]`: runs the tests of faults, those that take minutes as well, and writes what came of
 * it to docs/faults.md.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readReport, readResults, writeResults } from "./faults/results.ts";
import { FAULTS } from "./faults/rows.ts";
import { faultsPage } from "./faults/table.ts";
import { ownCacheFolder, projectFolder } from "./setup/folders.mjs";

/** The present commit; with a plus where sources differ from it. */
function presentCommit(): string {
  const git = (...args: string[]) => spawnSync("git", args, { cwd: projectFolder, encoding: "utf8" }).stdout.trim();
  const changed = git("status", "--porcelain", "--", "src", "test", "charts", "images", "scripts", "package.json");
  return `${git("rev-parse", "--short=10", "HEAD")}${changed === "" ? "" : "+"}`;
}

const files = [...new Set(FAULTS.flatMap(({ rows }) => rows).flatMap(({ tests }) => tests.map(({ file }) => file)))];
const chosen = process.argv.slice(2);
const commit = presentCommit();
const folder = mkdtempSync(join(tmpdir(), "emufarm-faults-"));
const report = join(folder, "report.json");
const { status } = spawnSync(
  process.execPath,
  [
    join(projectFolder, "scripts/test.mjs"),
    ...(chosen.length > 0 ? chosen : files),
    "--reporter=json",
    `--outputFile.json=${report}`,
  ],
  {
    cwd: projectFolder,
    stdio: "inherit",
    env: { ...process.env, EMUFARM_TEST_CLUSTER: "1", EMUFARM_TEST_FAULTS: "all" },
  },
);
const known = join(ownCacheFolder(), "faults/results.json");
const results = { ...readResults(known), ...readReport(report, projectFolder, commit) };
rmSync(folder, { recursive: true });
writeResults(known, results);
writeFileSync(join(projectFolder, "docs/faults.md"), faultsPage(FAULTS, results));
process.exitCode = status ?? 1;
