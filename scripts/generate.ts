/**
 * `npm run generate` writes what is made from the sources. With `--check` nothing is written: what differs is named,
 * and the exit code is 1.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { generateBoards } from "./generate/boards.ts";
import { generateChartBoards } from "./generate/chart-boards.ts";
import { generateResourceDefinitions } from "./generate/resource-definitions.ts";
import { generateSchemas } from "./generate/schemas.ts";
import { projectFolder } from "./setup/folders.mjs";

/** What a generator answers: texts by their path in the project. Where it owns a folder, a file that nothing made goes. */
export interface Generated {
  folder?: string;
  files: Map<string, string>;
}

const GENERATORS: (() => Generated)[] = [
  generateBoards,
  generateChartBoards,
  generateResourceDefinitions,
  generateSchemas,
];

const isCheck = process.argv.includes("--check");
const stale = GENERATORS.flatMap((generate) => {
  const { folder, files } = generate();
  const changed = [...files].filter(([path, text]) => readIfThere(path) !== text).map(([path]) => path);
  const leftOver = (folder === undefined ? [] : filesIn(folder)).filter((path) => !files.has(path));
  if (!isCheck) {
    for (const path of changed) write(path, files.get(path) ?? "");
    for (const path of leftOver) rmSync(join(projectFolder, path));
  }
  return [...changed, ...leftOver];
});
for (const path of stale) process.stdout.write(`${isCheck ? "out of date" : "written"}: ${path}\n`);
if (isCheck && stale.length > 0) {
  process.stdout.write("Run npm run generate and commit what it writes.\n");
  process.exitCode = 1;
}

function filesIn(folder: string): string[] {
  const absolute = join(projectFolder, folder);
  return existsSync(absolute) ? readdirSync(absolute).map((name) => `${folder}/${name}`) : [];
}

function readIfThere(path: string): string | undefined {
  const absolute = join(projectFolder, path);
  return existsSync(absolute) ? readFileSync(absolute, "utf8") : undefined;
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(projectFolder, path)), { recursive: true });
  writeFileSync(join(projectFolder, path), text);
}
