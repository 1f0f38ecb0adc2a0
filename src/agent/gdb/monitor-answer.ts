import { askMonitor } from "../monitor/monitor.ts";
import type { QmpSession } from "../qmp/qmp-session.ts";

export interface MonitorParts {
  readonly qmp: Pick<QmpSession, "execute">;
  /** The emulator's own reset is one of the CPU. */
  readonly canReset: boolean;
}

/** As other probes' servers call them, whose scripts people have. */
const RESETS: ReadonlySet<string> = new Set(["reset", "reset halt", "reset init", "system_reset"]);
/** A debugger can ask only while the CPU stands. */
const HALTS: ReadonlySet<string> = new Set(["halt", "stop"]);
const HELP = "reset [halt]        the board's reset; its CPU stands at the first instruction\n";

/**
 * What a line of gdb's `monitor` is answered with, as text for the person who typed it.
 * @throws {FarmError} MonitorCommandRefused, QmpFailed
 */
export async function answerMonitor(text: string, { qmp, canReset }: MonitorParts): Promise<string> {
  const line = text.trim().replaceAll(/\s+/g, " ");
  if (HALTS.has(line)) return "";
  if (RESETS.has(line)) {
    if (!canReset) return "emufarm: this board is reset by a restart of its emulator, which ends gdb: emufarm reset\n";
    await qmp.execute("system_reset");
    return "emufarm: reset. gdb shows the old registers until you type: maintenance flush register-cache\n";
  }
  const answer = await askMonitor(qmp, line);
  return line === "" || line === "help" ? `${answer}${HELP}` : answer;
}
