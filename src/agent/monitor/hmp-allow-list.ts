/** What `info` may be asked about: state of the guest and its machine, in answers of a bearable size. */
export const INFO_TOPICS: readonly string[] = [
  "accel",
  "balloon",
  "block",
  "chardev",
  "cpus",
  "cpustats",
  "hotpluggable-cpus",
  "ioapic",
  "iothreads",
  "irq",
  "jit",
  "lapic",
  "mem",
  "memdev",
  "memory-devices",
  "memory_size_summary",
  "mice",
  "mtree",
  "name",
  "network",
  "numa",
  "pci",
  "pic",
  "qdm",
  "qom-tree",
  "qtree",
  "ramblock",
  "registers",
  "rocker",
  "roms",
  "sev",
  "status",
  "tpm",
  "usb",
  "usernet",
  "uuid",
  "vcpu_dirty_limit",
  "version",
  "via",
  "vm-generation-id",
  "vnc",
];
/** `x`, `xp` (memory) and `p` or `print` (an expression). */
const EXAMINING = /^(x|xp|p|print)$/;
const FORMAT = /^\/(\d{0,5})[a-z]{0,2}$/;
/** A line of memory each: what is more makes the emulator busy for long. */
const MAX_UNITS = 4_096;
/** Expressions of addresses, numbers and registers. No quotes: a name of a file needs none of this. */
const ARGUMENT = /^[A-Za-z0-9_$.+\-*/()&|^~%:[\] ]*$/;
/** A topic with its options. */
const OF_TOPIC = /^[A-Za-z0-9_./ -]*$/;
const MAX_LENGTH = 256;

/** Why a line of the monitor is refused; undefined for one that only looks. */
export function monitorRefusal(line: string): string | undefined {
  const text = line.trim();
  if (text === "" || text === "help" || text === "?" || text === "info" || text === "help info") return undefined;
  if (text.length > MAX_LENGTH || !ARGUMENT.test(text)) return "it has characters that no question needs";
  const [word = "", next = ""] = text.split(/\s+/);
  const [verb = "", ...format] = word.split(/(?=\/)/);
  if (verb === "info" && format.length === 0) return infoRefusal(next, text);
  if (!EXAMINING.test(verb)) return "the monitor is read-only: info TOPIC, x, xp and p";
  return formatRefusal(format.join("") || (next.startsWith("/") ? next : ""));
}

/** True where asking may change a device: reading a register of one can clear it. */
export function isTouchingDevices(line: string): boolean {
  return /^\s*xp?\b/.test(line);
}

function infoRefusal(topic: string, text: string): string | undefined {
  if (!OF_TOPIC.test(text)) return "it has characters that no topic needs";
  return INFO_TOPICS.includes(topic) ? undefined : `the monitor has info ${INFO_TOPICS.join(", ")}`;
}

function formatRefusal(format: string): string | undefined {
  if (format === "") return undefined;
  const units = FORMAT.exec(format)?.[1];
  if (units === undefined) return `${format} is no format such as /16xw`;
  return Number(units || 1) <= MAX_UNITS ? undefined : `at most ${MAX_UNITS} units at a time`;
}
