/** Tools from PyPI that tests run, in an environment of their own: nothing is installed into the system's Python. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "./folders.mjs";
import { makeFolder } from "./private-apt.mjs";
import { SetupError, say } from "./say.mjs";

const REQUIREMENTS = join(projectFolder, "test/tools/requirements.txt");
/** Debian's Python, and what a machine without that one calls Python. */
const PYTHONS = ["/usr/bin/python3", "python3"];

/**
 * The folder of these tools: its name is made of what is in it, so that a change makes another one.
 *
 * @param {string} cache
 */
function pythonToolsFolder(cache) {
  const digest = createHash("sha256").update(readFileSync(REQUIREMENTS)).digest("hex").slice(0, 16);
  return join(cache, "python-tools", digest);
}

/**
 * The Python that has the tools.
 *
 * @param {string} cache
 */
export function pythonWithTools(cache) {
  return join(pythonToolsFolder(cache), "bin/python");
}

/** @param {string} cache */
export function ensurePythonTools(cache) {
  const folder = pythonToolsFolder(cache);
  if (existsSync(folder)) return;
  say(`fetching the Python tools of the tests from PyPI into ${folder}`);
  const python = PYTHONS.find((one) => spawnSync(one, ["-c", "import ensurepip"]).status === 0);
  if (python === undefined) throw new SetupError("Python has no virtual environments here (Debian: python3-venv)");
  makeFolder(folder, (fresh) => {
    run(python, ["-m", "venv", fresh]);
    run(join(fresh, "bin/python"), ["-m", "pip", "install", "--quiet", "--requirement", REQUIREMENTS]);
  });
}

/**
 * @param {string} program
 * @param {string[]} args
 */
function run(program, args) {
  const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8", stdio: ["ignore", "ignore", "pipe"] });
  if (error !== undefined) throw new SetupError(`${program} could not be started: ${error.message}`);
  if (status !== 0) throw new SetupError(`${program} ${args.slice(0, 3).join(" ")} failed: ${stderr.trim()}`);
}
