import type { QmpSession } from "../qmp/qmp-session.ts";

/** The CPU's registers as QEMU prints them where it aborts; nothing where it does not answer. */
export async function readRegisters(qmp: QmpSession, timeoutMs: number): Promise<string> {
  try {
    const answer = await qmp.execute("human-monitor-command", { "command-line": "info registers" }, { timeoutMs });
    return typeof answer === "string" ? answer : "";
  } catch {
    // The guest's end is known all the same, without the place.
    return "";
  }
}
