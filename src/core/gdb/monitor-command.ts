/** What becomes of a line of gdb's `monitor`. */
export type MonitorCommand =
  /** For the emulator's monitor, as it stands. */
  | { readonly type: "emulator"; readonly line: string }
  /** The board's reset; its CPU stands at the first instruction then. */
  | { readonly type: "reset" }
  /** The CPU stands still already while a debugger can ask. */
  | { readonly type: "halt" }
  | { readonly type: "help" }
  | { readonly type: "refused"; readonly name: string };

/** `info` of these looks at the guest's machine and tells nothing of the host. */
const SUBJECTS: ReadonlySet<string> = new Set([
  ...["cpus", "irq", "mem", "mtree", "pic", "qdm", "qom-tree", "qtree", "registers", "status", "tlb", "version", "via"],
  ...["network", "numa", "hotpluggable-cpus", "memory_size_summary", "memdev", "jit", "opcount", "ramblock", "lapic"],
]);
/** Commands that only look, and what may follow them: numbers, formats and registers. */
const LOOKING: ReadonlySet<string> = new Set(["x", "xp", "p", "print", "gpa2gva", "gva2gpa", "sum"]);
const EXPRESSION = /^[A-Za-z0-9 /+\-*()$_.&|~^<>%]*$/;
const SUBJECT_OPTIONS = /^[A-Za-z0-9 _.-]*$/;
/** As other probes' servers call them, whose scripts people have. */
const RESETS: ReadonlySet<string> = new Set(["reset", "reset halt", "reset init", "system_reset"]);

export const MONITOR_HELP = [
  "monitor commands that emufarm passes on:",
  `  info ${[...SUBJECTS].toSorted().join("|")}`,
  "  x, xp /FORMAT ADDRESS   memory, by virtual or physical address",
  "  print /FORMAT VALUE     a value or a $register",
  "  system_reset, reset [halt]   reset the board; its CPU stands at the first instruction",
  "  halt",
  "",
].join("\n");

/** Reads a line of `monitor` by the list of what may be asked. */
export function readMonitorCommand(text: string): MonitorCommand {
  const line = text.trim().replaceAll(/\s+/g, " ");
  const [name = "", ...words] = line.split(" ");
  const rest = words.join(" ");
  if (name === "" || line === "help") return { type: "help" };
  if (line === "halt" || line === "stop") return { type: "halt" };
  if (RESETS.has(line)) return { type: "reset" };
  const isSubject = name === "info" && SUBJECTS.has(words[0] ?? "") && SUBJECT_OPTIONS.test(rest);
  const isLooking = LOOKING.has(name) && EXPRESSION.test(rest);
  if (isSubject || isLooking) return { type: "emulator", line };
  return { type: "refused", name: name === "info" ? `info ${words[0] ?? ""}`.trim() : name };
}
