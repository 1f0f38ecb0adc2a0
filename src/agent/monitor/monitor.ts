import { FarmError } from "../../core/error/farm-error.ts";
import type { QmpSession } from "../qmp/qmp-session.ts";
import { INFO_TOPICS, monitorRefusal } from "./hmp-allow-list.ts";

const HELP = `The monitor of this board is read-only:
info TOPIC          ${wrapped(INFO_TOPICS, 20)}
x /FMT ADDRESS      memory as the CPU sees it, such as x /16xw 0x20000000 or x /8i $pc
xp /FMT ADDRESS     memory by its physical address
p /FMT EXPRESSION   the value of an expression, such as p $sp
`;

/** A topic on a line, as QEMU has them: qmp-shell completes by it. */
const TOPICS = INFO_TOPICS.map((topic) => `info ${topic}\n`).join("");

/**
 * Asks the emulator's monitor for people.
 * @param cpu number of the CPU that registers and memory are those of; default: the first
 * @returns what it printed
 * @throws {FarmError} MonitorCommandRefused for what does not only look; QmpFailed
 */
export async function askMonitor(qmp: Pick<QmpSession, "execute">, line: string, cpu?: number): Promise<string> {
  const problem = monitorRefusal(line);
  if (problem !== undefined) throw new FarmError("MonitorCommandRefused", { command: line.slice(0, 80), problem });
  const text = line.trim();
  if (text === "") return "";
  if (["help", "?"].includes(text)) return HELP;
  if (["info", "help info"].includes(text)) return TOPICS;
  const args = { "command-line": text, ...(cpu !== undefined && { "cpu-index": cpu }) };
  return String(await qmp.execute("human-monitor-command", args)).replaceAll("\r\n", "\n");
}

function wrapped(words: readonly string[], indent: number): string {
  const lines: string[] = [""];
  for (const word of words) {
    if (`${lines.at(-1)}${word}, `.length > 90 - indent) lines.push("");
    lines[lines.length - 1] += `${word}, `;
  }
  return lines.join(`\n${" ".repeat(indent)}`).replace(/, $/, "");
}
