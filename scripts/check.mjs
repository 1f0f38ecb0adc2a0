/** `npm run check`: every static check at once; prints one line for each and the words of those that failed. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "./setup/folders.mjs";

const bin = (/** @type {string} */ name) => join(projectFolder, "node_modules/.bin", name);

/** @type {{ name: string, command: string[] }[]} */
const CHECKS = [
  { name: "types", command: [bin("tsc"), "--noEmit"] },
  {
    name: "format and lint (biome)",
    command: [bin("biome"), "ci", "--colors=off", "--max-diagnostics=20", "--diagnostic-level=warn"],
  },
  { name: "lint with types (oxlint)", command: [bin("oxlint"), "--type-aware", "--deny-warnings"] },
  { name: "house rules", command: [process.execPath, "scripts/check-house.mjs"] },
  { name: "dead code (knip)", command: [bin("knip"), "--no-progress", "--no-config-hints"] },
  { name: "generated files", command: [process.execPath, "scripts/generate.ts", "--check"] },
];

/** @param {string[]} command */
function run(command) {
  return new Promise((resolve) => {
    const started = performance.now();
    const [program = "", ...args] = command;
    const child = spawn(program, args, { cwd: projectFolder, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("error", (error) => resolve({ isGood: false, output: error.message, seconds: 0 }));
    child.on("close", (code) =>
      resolve({ isGood: code === 0, output: output.trim(), seconds: (performance.now() - started) / 1000 }),
    );
  });
}

const only = process.argv.slice(2);
const chosen = CHECKS.filter(({ name }) => only.length === 0 || only.some((part) => name.includes(part)));
if (chosen.length === 0 || !existsSync(bin("tsc"))) {
  process.stderr.write(`check: nothing to run${only.length > 0 ? ` that is named ${only.join(", ")}` : ""}\n`);
  process.exit(2);
}
const results = await Promise.all(chosen.map(async ({ name, command }) => ({ name, ...(await run(command)) })));
for (const { name, output } of results.filter(({ isGood }) => !isGood))
  process.stdout.write(`\n--- ${name}\n${output}\n\n`);
for (const { name, isGood, seconds } of results) {
  process.stdout.write(`${isGood ? "ok  " : "FAIL"}  ${name} (${seconds.toFixed(1)} s)\n`);
}
process.exitCode = results.every(({ isGood }) => isGood) ? 0 : 1;
