/** What the machine that a cluster stands on must have, and must not. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
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

/** Names of the processes beside this one. Those of clusters' machines are in process namespaces of their own. */
function ownProcesses(): string[] {
  const own = readlinkSync("/proc/self/ns/pid");
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        const isBeside = readlinkSync(`/proc/${pid}/ns/pid`) === own;
        return isBeside ? [readFileSync(`/proc/${pid}/comm`, "utf8").trim()] : [];
      } catch {
        // It ended in between.
        return [];
      }
    });
}
