import { runOn } from "../../../scripts/cluster/machine.ts";
import { type ClusterSettings, NODES } from "../../../scripts/cluster/settings.ts";
import type { Pod } from "../../../src/operator/kubernetes/kinds.ts";

/** The processes of a pod are those in its cgroups. A process that ends meanwhile is none of it any more. */
const SIGNAL = `
for process in /proc/[0-9]*; do
  grep -qs "pod$0" "$process/cgroup" || continue
  IFS= read -r -d "" name 2>/dev/null <"$process/cmdline" || continue
  [[ \${name##*/} == $1 ]] && kill -"$2" "\${process#/proc/}" && echo "\${process#/proc/}"
done
exit 0`;

/**
 * Sends a signal to the programs of a pod with a name like this, as only its node can.
 *
 * @param program pattern of the shell, such as `qemu-*`
 * @returns how many there were
 */
export async function signalProcesses(
  settings: ClusterSettings,
  { metadata, spec }: Pod,
  program: string,
  signal: "KILL" | "STOP" | "CONT" | "0",
): Promise<number> {
  const node = NODES.find((one) => one === spec?.nodeName);
  if (node === undefined) throw new Error(`pod ${metadata.name} is on no node of ours`);
  const pids = await runOn(settings, node, ["bash", "-c", SIGNAL, metadata.uid ?? "", program, signal]);
  return pids.split("\n").filter((line) => line !== "").length;
}

/** How many processes of a pod run, by the name of their program. */
export function countProcesses(settings: ClusterSettings, pod: Pod, program: string): Promise<number> {
  return signalProcesses(settings, pod, program, "0");
}
