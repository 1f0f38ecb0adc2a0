/** Names, addresses and folders of a cluster. Everything of one differs from another's by its number. */
import { join } from "node:path";
import { SetupError } from "../setup/say.mjs";
import { clustersCache } from "./tools.ts";

/** What stands around: the network outlives the control plane, so the switch is a machine of its own. */
export type MachineName = "switch" | "control-plane" | NodeName;
export type NodeName = "node1" | "node2" | "node3";

export const NODES: readonly NodeName[] = ["node1", "node2", "node3"];
export const MACHINES: readonly MachineName[] = ["switch", "control-plane", ...NODES];

export interface ClusterSettings {
  /** Name of the one link and the one cgroup subtree that the host has for it. */
  readonly name: string;
  readonly cache: string;
  /** Keys, disks and logs of the machines: gone after `down`. */
  readonly folder: string;
  readonly kubeconfig: string;
  readonly apiServer: string;
  /** Machines have /24 of it. */
  readonly network: string;
  readonly pods: string;
  readonly services: string;
}

/** @param ordinal of clusters that can stand beside each other */
export function clusterSettings(cache: string, ordinal: number): ClusterSettings {
  const name = `emufarm${ordinal}`;
  const folder = join(clustersCache(cache), "clusters", String(ordinal));
  const network = `172.30.${ordinal}`;
  return {
    ...{ name, cache, folder, network },
    kubeconfig: join(folder, "admin.kubeconfig"),
    apiServer: `https://${network}.1:6443`,
    pods: `10.${88 + ordinal}`,
    services: `10.${104 + ordinal}`,
  };
}

/**
 * The cluster that the environment names: EMUFARM_CLUSTER is its number, 0 where nothing is said.
 *
 * @throws {SetupError} where it is no digit
 */
export function clusterFromNumber(
  cache: string,
  { EMUFARM_CLUSTER: number = "0" }: NodeJS.ProcessEnv,
): ClusterSettings {
  if (!/^\d$/.test(number)) throw new SetupError(`EMUFARM_CLUSTER is a digit, not "${number}"`);
  return clusterSettings(cache, Number(number));
}

/** 1 for node1. */
export function nodeNumber(node: NodeName): number {
  return NODES.indexOf(node) + 1;
}

export function isNode(machine: MachineName): machine is NodeName {
  return NODES.some((node) => node === machine);
}

export function addressOf({ network }: ClusterSettings, machine: NodeName | "control-plane" | "host"): string {
  if (machine === "host") return `${network}.254`;
  return machine === "control-plane" ? `${network}.1` : `${network}.1${nodeNumber(machine)}`;
}

/** Pods of a node have addresses of this. */
export function podRange({ pods }: ClusterSettings, node: NodeName): string {
  return `${pods}.${nodeNumber(node)}.0/24`;
}

export function serviceRange({ services }: ClusterSettings): string {
  return `${services}.0.0/16`;
}

export function dnsAddress({ services }: ClusterSettings): string {
  return `${services}.0.10`;
}

/** The keys, disk and logs of a machine. */
export function machineFolder({ folder }: ClusterSettings, machine: MachineName): string {
  return join(folder, machine);
}

export function keysFolder({ folder }: ClusterSettings): string {
  return join(folder, "keys");
}
