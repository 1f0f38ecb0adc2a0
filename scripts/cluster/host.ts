/** What the machine that a cluster stands on must have, and must not. */
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { execa } from "execa";
import { elevation, installPackages } from "../setup/apt.mjs";
import { thisDistribution } from "../setup/distribution.mjs";
import { SetupError } from "../setup/say.mjs";
import { machineAt, missingPackages, toRunCluster } from "../setup/system-packages.mjs";
import type { ClusterSettings } from "./settings.ts";

/** Each of them manages cgroups, links and rules of the whole machine, and would see ours. */
const MANAGERS = [
  "kubelet",
  "k3s",
  "k3s-server",
  "k3s-agent",
  "k0s",
  "rke2",
  "containerd",
  "dockerd",
  "crio",
  "podman",
];

const WATCHES_LIMIT = "/proc/sys/fs/inotify/max_user_instances";
/** Instances of inotify that the daemons of a cluster have, and a few for what starts for a moment. */
const CLUSTER_WATCHES = 46;

/** Installs what is missing. @throws {SetupError} where a cluster cannot or must not stand here */
export function prepareHost(): void {
  const problem = unfitHost();
  if (problem !== undefined) throw new SetupError(problem);
  const missing = missingPackages(toRunCluster, thisDistribution(), machineAt(`${process.env.PATH}:/usr/sbin:/sbin`));
  if (missing.length > 0) installPackages(missing, elevation());
}

/** Why no cluster can be brought up on this machine, or undefined. */
export function unfitHost(processes: () => readonly string[] = ownProcesses): string | undefined {
  if (process.platform !== "linux") return "a cluster takes Linux";
  const manager = processes().find((name) => MANAGERS.includes(name));
  if (manager !== undefined) {
    return `${manager} runs on this machine: a cluster of the farm's own would get in its way`;
  }
  if (process.getuid?.() === 0) return undefined;
  return "a cluster takes root: it makes namespaces, links and cgroups";
}

/** @throws {SetupError} where the machine already has a way to addresses that the cluster would use */
export async function checkAddresses({ name, network, pods, services }: ClusterSettings): Promise<void> {
  const { stdout } = await execa("ip", ["-4", "-json", "route", "show", "table", "all"]);
  const routes: { dst: string; dev?: string }[] = JSON.parse(stdout);
  const taken = routes.find(
    ({ dst, dev }) => dev !== name && [network, pods, services].some((prefix) => dst.startsWith(`${prefix}.`)),
  );
  if (taken === undefined) return;
  throw new SetupError(
    `this machine has a route to ${taken.dst} by ${taken.dev}: the cluster would use these addresses`,
  );
}

/**
 * Watches of files are few for each user, and daemons that get none fail in ways that do not tell.
 *
 * @throws {SetupError} where a cluster would not get as many as it takes
 */
export function checkWatches(inUse = watchesInUse(), allowed = Number(readFileSync(WATCHES_LIMIT, "utf8"))): void {
  if (inUse + CLUSTER_WATCHES <= allowed) return;
  throw new SetupError(
    `root has ${inUse} of ${allowed} inotify instances in use, and a cluster takes ${CLUSTER_WATCHES}: ` +
      "take another cluster down, or raise the limit (sysctl fs.inotify.max_user_instances=512)",
  );
}

function watchesInUse(): number {
  return processes().reduce((sum, pid) => sum + attempt(() => watchesOf(pid), 0), 0);
}

function watchesOf(pid: string): number {
  if (statSync(`/proc/${pid}`).uid !== 0) return 0;
  const open = readdirSync(`/proc/${pid}/fd`).map((fd) => attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`), ""));
  return open.filter((target) => target === "anon_inode:inotify").length;
}

/** Names of the processes beside this one. Those of clusters' machines are in process namespaces of their own. */
function ownProcesses(): string[] {
  const own = readlinkSync("/proc/self/ns/pid");
  const isBeside = (pid: string) => attempt(() => readlinkSync(`/proc/${pid}/ns/pid`) === own, false);
  return processes()
    .filter(isBeside)
    .map((pid) => attempt(() => readFileSync(`/proc/${pid}/comm`, "utf8").trim(), ""));
}

function processes(): string[] {
  return readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
}

/** What a process says of itself, or the other where it ended in between. */
function attempt<Value>(look: () => Value, otherwise: Value): Value {
  try {
    return look();
  } catch {
    return otherwise;
  }
}
