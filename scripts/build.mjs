/** Bundles the programs and the typed client into dist/: one start of Node reads a few files instead of thousands. */
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { bundleOptions } from "./bundle-options.mjs";
import { bundleStamp, STAMP_FILE } from "./setup/bundle.mjs";
import { projectFolder } from "./setup/folders.mjs";

/** What is built, by its name in dist/. */
const ENTRY_POINTS = {
  "cli/main": "src/cli/main.ts",
  "agent/main": "src/agent/main.ts",
  "api/main": "src/api/main.ts",
  "operator/main": "src/operator/main.ts",
  "client/farm-client": "src/client/farm-client.ts",
};

const missing = Object.values(ENTRY_POINTS).filter((file) => !existsSync(join(projectFolder, file)));
if (missing.length > 0) {
  process.stderr.write(`build: no such entry point: ${missing.join(", ")}\n`);
  process.exit(1);
}

const stamp = bundleStamp(projectFolder);
const fresh = join(projectFolder, `.dist-${process.pid}`);
try {
  await build({
    absWorkingDir: projectFolder,
    entryPoints: ENTRY_POINTS,
    outdir: fresh,
    ...bundleOptions,
  });
  writeFileSync(join(fresh, STAMP_FILE.replace("dist/", "")), stamp);
  // Whole or not at all: a farm that starts meanwhile must not find half a bundle.
  const dist = join(projectFolder, "dist");
  const old = join(projectFolder, `.dist-${process.pid}-old`);
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(fresh, dist);
  rmSync(old, { recursive: true, force: true });
} catch (error) {
  rmSync(fresh, { recursive: true, force: true });
  // esbuild has printed what is wrong with the sources by itself.
  if (!(error instanceof Error && "errors" in error)) throw error;
  process.exitCode = 1;
}
