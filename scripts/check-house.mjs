/** The part of `npm run check` that is about this project's own rules: who imports whom, who may touch the process. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { findDependencyViolations } from "./house/dependency-rules.mjs";
import { findProcessAccess, findRoomsWithoutReadme } from "./house/source-rules.mjs";
import { projectFolder } from "./setup/folders.mjs";

/** Far below what there is: a check that finds next to nothing to look at must not pass. */
const MIN_MODULES = 30;

const folders = ["src", "test", "bench"].filter((folder) => existsSync(join(projectFolder, folder)));
const { moduleCount, violations } = await findDependencyViolations(projectFolder, folders);
const problems = [...violations, ...findProcessAccess(projectFolder), ...findRoomsWithoutReadme(projectFolder)];
if (moduleCount < MIN_MODULES) {
  problems.push(
    `only ${moduleCount} modules were looked at, at least ${MIN_MODULES} were expected: the check is broken`,
  );
}
process.stdout.write(problems.map((problem) => `${problem}\n`).join(""));
process.exitCode = problems.length === 0 ? 0 : 1;
