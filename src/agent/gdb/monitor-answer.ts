import { MONITOR_HELP, readMonitorCommand } from "../../core/gdb/monitor-command.ts";
import type { QmpSession } from "../qmp/qmp-session.ts";

export interface MonitorParts {
  readonly qmp: QmpSession;
  /** The emulator's own reset is one of the CPU. */
  readonly canReset: boolean;
}

/**
 * What a line of gdb's `monitor` is answered with, as text for the person who typed it.
 * @throws {FarmError} QmpFailed
 */
export async function answerMonitor(text: string, { qmp, canReset }: MonitorParts): Promise<string> {
  const command = readMonitorCommand(text);
  switch (command.type) {
    case "help":
      return MONITOR_HELP;
    case "halt":
      return "";
    case "reset":
      if (!canReset) return "emufarm: this board is reset by a restart of its emulator: emufarm reset\n";
      await qmp.execute("system_reset");
      return "emufarm: reset; type `maintenance flush register-cache`, or continue\n";
    case "emulator":
      return String(await qmp.execute("human-monitor-command", { "command-line": command.line })).replaceAll(
        "\r\n",
        "\n",
      );
    case "refused":
      return `emufarm: monitor ${command.name} is not on the list of allowed commands (monitor help)\n`;
  }
}
