import { runOn } from "../../../scripts/cluster/machine.ts";
import { type ClusterSettings, NODES, type NodeName } from "../../../scripts/cluster/settings.ts";
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
  pod: Pod,
  program: string,
  signal: "KILL" | "STOP" | "CONT" | "0",
): Promise<number> {
  const pids = await runOn(settings, nodeOf(pod), ["bash", "-c", SIGNAL, pod.metadata.uid ?? "", program, signal]);
  return pids.split("\n").filter((line) => line !== "").length;
}

/**
 * The kernel ends the program as the one that uses too much memory: it is chosen beforehand, and somebody else in its
 * cgroup takes what is left.
 */
const EXHAUST = `
for process in /proc/[0-9]*; do
  grep -qs "pod$0" "$process/cgroup" || continue
  IFS= read -r -d "" name 2>/dev/null <"$process/cmdline" || continue
  [[ \${name##*/} == $1 ]] || continue
  pid=\${process#/proc/}
  if [[ -e /sys/fs/cgroup/memory ]]; then
    folder=/sys/fs/cgroup/memory$(sed -n "s/^[0-9]*:memory://p" "/proc/$pid/cgroup")
    limit=$(<"$folder/memory.limit_in_bytes") used=$(sed -n "s/^total_rss //p" "$folder/memory.stat")
  else
    folder=/sys/fs/cgroup$(sed -n "s/^0:://p" "/proc/$pid/cgroup")
    limit=$(<"$folder/memory.max") used=$(sed -n "s/^anon //p" "$folder/memory.stat")
  fi
  echo 1000 >"/proc/$pid/oom_score_adj"
  echo "$BASHPID" >"$folder/cgroup.procs"
  # A little more than there is, so that it is enough when the program has gone.
  bytes=$((limit - used + 16777216))
  head -c "$bytes" /dev/zero | tail -c "$bytes" >/dev/null
  echo "$pid"
  exit 0
done
exit 1`;

/** Takes all the memory that a pod may have: the kernel ends this program of it. */
export async function exhaustMemory(settings: ClusterSettings, pod: Pod, program: string): Promise<void> {
  await runOn(settings, nodeOf(pod), ["bash", "-c", EXHAUST, pod.metadata.uid ?? "", program]);
}

function nodeOf({ metadata, spec }: Pod): NodeName {
  const node = NODES.find((one) => one === spec?.nodeName);
  if (node === undefined) throw new Error(`pod ${metadata.name} is on no node of ours`);
  return node;
}

/** How many processes of a pod run, by the name of their program. */
export function countProcesses(settings: ClusterSettings, pod: Pod, program: string): Promise<number> {
  return signalProcesses(settings, pod, program, "0");
}
