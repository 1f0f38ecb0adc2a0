import { readFileSync } from "node:fs";

/** A process beyond doubt: numbers are used again, the pair of number and start time is not. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start in clock ticks since boot (proc(5), /proc/PID/stat, field 22). */
  readonly startTime: string;
}

/** The identity of a running process; undefined where there is none, or only its exit status is left. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    // No such process.
    return undefined;
  }
  // The name, in parentheses, may hold anything; what is counted comes after the last one.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const startTime = fields[18];
  return state === "Z" || startTime === undefined ? undefined : { pid, startTime };
}

export function isRunning(process: ProcessIdentity): boolean {
  return identifyProcess(process.pid)?.startTime === process.startTime;
}
