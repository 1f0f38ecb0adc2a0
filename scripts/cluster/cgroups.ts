/** The one subtree of cgroups that a cluster has on its host, in every hierarchy that there is. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SetupError } from "../setup/say.mjs";
import type { ClusterSettings, MachineName } from "./settings.ts";

const UNIFIED = "/sys/fs/cgroup";
const SWEEP_MS = 60_000;
const SWEEP_PAUSE_MS = 50;

/** Where the daemons of a machine are; pods are beside it, put there by the kubelet. */
const DAEMONS = "daemons";

export function cgroupOf({ name }: ClusterSettings, machine: MachineName): string {
  return `${name}/${machine}`;
}

/** Makes a machine's cgroups, with everything that the host lets it have. */
export function makeCgroups(settings: ClusterSettings, machine: MachineName): void {
  const path = cgroupOf(settings, machine);
  for (const hierarchy of hierarchies()) {
    mkdirSync(join(hierarchy, path, DAEMONS), { recursive: true });
    const branches = [settings.name, path, `${path}/${DAEMONS}`].map((one) => join(hierarchy, one));
    // Version 1: a new cgroup may run nowhere until it is told.
    for (const file of ["cpuset.cpus", "cpuset.mems"]) {
      const isThere = existsSync(join(hierarchy, file)) && !isUnified(hierarchy);
      if (isThere)
        for (const branch of branches) writeFileSync(join(branch, file), readFileSync(join(hierarchy, file)));
    }
    if (!isUnified(hierarchy)) continue;
    const missing = handDown(hierarchy);
    if (missing.length > 0) writeFileSync(handedDownFile(settings), missing.join(" "));
    for (const branch of branches.slice(0, 2)) handDown(branch);
  }
}

/** Removes what is left of a cluster's cgroups, and what had to be changed at the root for them. */
export async function removeAllCgroups(settings: ClusterSettings): Promise<void> {
  await sweepCgroups(settings.name);
  const file = handedDownFile(settings);
  if (!existsSync(file)) return;
  const controllers = readFileSync(file, "utf8").split(" ");
  for (const controller of controllers) writeFileSync(join(UNIFIED, "cgroup.subtree_control"), `-${controller}`);
}

function handedDownFile({ folder }: ClusterSettings): string {
  return join(folder, "handed-down-controllers");
}

/** Stops or continues everything on a machine at once. */
export function freeze(settings: ClusterSettings, machine: MachineName, isFrozen: boolean): void {
  for (const hierarchy of hierarchies()) {
    const folder = join(hierarchy, cgroupOf(settings, machine));
    if (existsSync(join(folder, "freezer.state"))) {
      writeFileSync(join(folder, "freezer.state"), isFrozen ? "FROZEN" : "THAWED");
    } else if (isUnified(hierarchy) && existsSync(folder)) {
      writeFileSync(join(folder, "cgroup.freeze"), isFrozen ? "1" : "0");
    }
  }
}

/**
 * Removes empty cgroups, of one machine or of all. They can go when their last process has been reaped, which nobody
 * tells. With those of old pods there the kubelet of the next life would take seconds to start.
 *
 * @throws {SetupError} where something is still in them
 */
export async function sweepCgroups(path: string): Promise<void> {
  const deadline = performance.now() + SWEEP_MS;
  for (;;) {
    const left = hierarchies()
      .map((hierarchy) => join(hierarchy, path))
      .filter((folder) => existsSync(folder) && !removeCgroups(folder));
    if (left.length === 0) return;
    if (performance.now() > deadline) throw new SetupError(`still in use: ${left.join(", ")}`);
    await sleep(SWEEP_PAUSE_MS);
  }
}

function removeCgroups(folder: string): boolean {
  const children = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const areGone = children.map(({ name }) => removeCgroups(join(folder, name)));
  if (areGone.includes(false)) return false;
  try {
    rmdirSync(folder);
    return true;
  } catch {
    // A process in it is not reaped yet: the caller tries again.
    return !existsSync(folder);
  }
}

function hierarchies(): string[] {
  return readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .flatMap(([, mount = "", type = ""]) => (/^cgroup2?$/.test(type) && mount.startsWith("/sys/fs/") ? [mount] : []));
}

/** Version 2 and nothing else: what children may have must be said. */
function isUnified(hierarchy: string): boolean {
  return hierarchy === UNIFIED && existsSync(join(UNIFIED, "cgroup.controllers"));
}

/** Answers with the controllers that were not handed down before. */
function handDown(folder: string): string[] {
  const words = (file: string) =>
    readFileSync(join(folder, file), "utf8")
      .split(/\s+/)
      .filter((word) => word !== "");
  const given = words("cgroup.subtree_control");
  const missing = words("cgroup.controllers").filter((one) => !given.includes(one));
  for (const controller of missing) writeFileSync(join(folder, "cgroup.subtree_control"), `+${controller}`);
  return missing;
}
