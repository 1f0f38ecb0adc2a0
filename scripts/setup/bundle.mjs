import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { nodeProgram } from "./node-modules.mjs";
import { SetupError, say } from "./say.mjs";

export const STAMP_FILE = "dist/.stamp";

/** Everything that the bundle is made from. */
const INPUTS = ["src", "scripts/build.mjs", "scripts/bundle-options.mjs", "package.json", "package-lock.json"];

/**
 * A digest of the bundle's inputs: names and bytes, so that neither a checkout nor a copy makes it stale.
 *
 * @param {string} project
 */
export function bundleStamp(project) {
  const hash = createHash("sha256");
  for (const file of INPUTS.flatMap((input) => filesUnder(project, input))) {
    hash
      .update(file)
      .update("\0")
      .update(readFileSync(join(project, file)))
      .update("\0");
  }
  return hash.digest("hex");
}

/**
 * Builds dist/ where it is missing or older than its sources.
 *
 * @param {string} project
 */
export function ensureBundle(project) {
  const stampFile = join(project, STAMP_FILE);
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === bundleStamp(project)) return;
  say("bundling the sources into dist/");
  const { status } = spawnSync(nodeProgram(project), [join(project, "scripts/build.mjs")], { stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new SetupError("the bundle could not be built; esbuild's words are above");
}

/**
 * @param {string} project
 * @param {string} path
 * @returns {string[]}
 */
function filesUnder(project, path) {
  const absolute = join(project, path);
  if (!existsSync(absolute)) return [];
  if (!statSync(absolute).isDirectory()) return [path];
  return readdirSync(absolute)
    .sort()
    .flatMap((name) => filesUnder(project, `${path}/${name}`));
}
