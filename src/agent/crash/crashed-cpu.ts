import { readCpuPlace } from "../../core/symbols/cpu-registers.ts";
import type { QmpSession } from "../qmp/qmp-session.ts";
import type { CrashedCpu } from "./crash-report.ts";

/** Words of the stack that are looked through for callers. */
const STACK_WORDS = 256;

/** Asks an emulator that has kept its machine after the guest's crash. Empty where it does not answer. */
export async function readCrashedCpu(qmp: Pick<QmpSession, "execute">, timeoutMs: number): Promise<CrashedCpu> {
  const ask = async (line: string) =>
    String(await qmp.execute("human-monitor-command", { "command-line": line }, { timeoutMs })).replaceAll(
      "\r\n",
      "\n",
    );
  try {
    const dump = await ask("info registers");
    const pointer = readCpuPlace(dump)?.stack;
    if (pointer === undefined) return { dump, stack: [] };
    const isWide = /\b(X30|x1\/ra|RIP)\W+[0-9a-f]{16}\b/.test(dump);
    const words = await ask(`x /${STACK_WORDS}x${isWide ? "g" : "w"} 0x${pointer.toString(16)}`);
    return { dump, stack: wordsIn(words) };
  } catch {
    // The guest's end is known all the same, without the place.
    return { dump: "", stack: [] };
  }
}

/** Of lines such as `20000010: 0x00000001 0x00000002`; what cannot be read ends them. */
function wordsIn(text: string): number[] {
  return [...text.matchAll(/ 0x([0-9a-f]{8,16})\b/g)].map(([, digits = ""]) => Number.parseInt(digits, 16));
}
