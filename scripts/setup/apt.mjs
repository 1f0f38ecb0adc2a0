import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { SetupError, say } from "./say.mjs";

const LISTS_FOLDER = "/var/lib/apt/lists";
const LISTS_FRESH_MS = 24 * 60 * 60 * 1000;

/**
 * How root's commands are run: directly, by sudo without a password, or not at all.
 *
 * @typedef {"root" | "sudo" | "none"} Elevation
 * @returns {Elevation}
 */
export function elevation() {
  if (process.getuid?.() === 0) return "root";
  const sudo = spawnSync("sudo", ["-n", "true"], { stdio: "ignore" });
  return sudo.status === 0 ? "sudo" : "none";
}

/**
 * The one line for somebody who has to install packages by hand.
 *
 * @param {readonly string[]} packages
 * @param {boolean} hasApt
 */
export function adviceLine(packages, hasApt) {
  const list = packages.join(" ");
  return hasApt
    ? `missing: ${list}. Type: sudo apt-get update && sudo apt-get install -y --no-install-recommends ${list}`
    : `missing: ${list} (Debian's names). Install them by this system's package manager, then try again`;
}

/**
 * Installs packages of the distribution, or says in one line what to type.
 *
 * @param {readonly string[]} packages
 * @param {Elevation} as
 */
export function installPackages(packages, as) {
  const hasApt = spawnSync("apt-get", ["--version"], { stdio: "ignore" }).status === 0;
  if (!hasApt || as === "none") throw new SetupError(adviceLine(packages, hasApt));
  say(`installing from the distribution: ${packages.join(" ")}`);
  const install = ["install", "-y", "--no-install-recommends", ...packages];
  if (areListsFresh() && aptGet(install, as).isDone) return;
  // Lists may be there, and of another state than the mirror: update, then try again.
  const steps = [aptGet(["update"], as), aptGet(install, as)];
  if (steps.at(-1)?.isDone) return;
  process.stderr.write(steps.map(({ output }) => output).join("\n"));
  throw new SetupError(`apt-get failed; its words are above. ${adviceLine(packages, hasApt)}`);
}

/**
 * @param {readonly string[]} args
 * @param {Elevation} as
 */
function aptGet(args, as) {
  // RUNLEVEL=1 keeps a newly installed redis-server from being started: the farm brings up its own.
  const env = ["DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "LC_ALL=C.UTF-8"];
  const options = ["Acquire::Retries=3", "DPkg::Lock::Timeout=300", "Dpkg::Use-Pty=0"].flatMap((one) => ["-o", one]);
  const command = ["env", ...env, "apt-get", "-q", ...options, ...args];
  const [program = "", ...rest] = as === "sudo" ? ["sudo", "-n", ...command] : command;
  const { status, stdout, stderr } = spawnSync(program, rest, {
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  return { isDone: status === 0, output: `${stdout}${stderr}` };
}

function areListsFresh() {
  try {
    const lists = readdirSync(LISTS_FOLDER).filter((name) => /_(InRelease|Release|Packages(\.\w+)?)$/.test(name));
    return lists.some((name) => Date.now() - statSync(`${LISTS_FOLDER}/${name}`).ctimeMs < LISTS_FRESH_MS);
  } catch {
    // No lists at all, as in a fresh container.
    return false;
  }
}
