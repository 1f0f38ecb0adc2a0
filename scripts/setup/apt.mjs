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
  const isFresh = areListsFresh();
  if (!isFresh) aptGet(["update"], as);
  const install = ["install", "-y", "--no-install-recommends", ...packages];
  if (aptGet(install, as) === 0) return;
  // Fresh lists may still be of another mirror state than the packages: update once and try again.
  if (isFresh) aptGet(["update"], as);
  if (aptGet(install, as) !== 0) {
    throw new SetupError(`apt-get could not install the packages (its words are above). ${adviceLine(packages, true)}`);
  }
}

/**
 * @param {readonly string[]} args
 * @param {Elevation} as
 */
function aptGet(args, as) {
  // RUNLEVEL=1 keeps a newly installed redis-server from being started: the farm brings up its own.
  const env = ["DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"];
  const command = [
    "env",
    ...env,
    "apt-get",
    "-q",
    "-o",
    "Acquire::Retries=3",
    "-o",
    "DPkg::Lock::Timeout=300",
    ...args,
  ];
  const [program = "", ...rest] = as === "sudo" ? ["sudo", "-n", ...command] : command;
  // apt's own words go to stderr: stdout belongs to the command that follows.
  return spawnSync(program, rest, { stdio: ["ignore", 2, 2] }).status;
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
