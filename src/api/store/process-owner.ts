import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";

/**
 * Names what belongs to this process: `<pid>-<start>-<random>`. The start tells it from a later process with the same
 * pid, the random part from another store in the same process.
 */
export function createOwner(): string {
  return `${process.pid}-${startOf(process.pid) ?? 0}-${randomBytes(4).toString("hex")}`;
}

/** Whether the process that a file is named after has gone. */
export function isOwnerGone(fileName: string): boolean {
  const [pid, start] = fileName.split("-");
  return startOf(Number(pid)) !== start;
}

/** Start of a process in clock ticks since the machine's: the 22nd field of /proc/<pid>/stat (proc(5)). */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    // No such process.
    return undefined;
  }
}
