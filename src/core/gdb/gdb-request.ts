import { bytesOfHex, payloadText, unescapeBytes } from "./gdb-packet.ts";
import type { MemoryRange } from "./standing-memory.ts";

/** What becomes of a debugger's packet. */
export type GdbRequest =
  /** For the stub, which answers it once. */
  | { readonly type: "forward"; readonly onlyAsks: boolean }
  /** Memory. */
  | { readonly type: "read"; readonly range: MemoryRange }
  /** Memory, in binary. */
  | { readonly type: "write" }
  /** For the stub; what the stub can do is answered, and what we can is added to it. */
  | { readonly type: "features" }
  /** For the stub, which answers when the CPU stands still again. */
  | { readonly type: "resume" }
  /** A command of `monitor`, for us. */
  | { readonly type: "monitor"; readonly command: string }
  /** The end of the program. Answered first, where it wants an answer. */
  | { readonly type: "kill"; readonly wantsAnswer: boolean }
  /** From now on nobody acknowledges anything. */
  | { readonly type: "noAcknowledgement" }
  /** Not for the stub; an empty answer says that it is not supported. */
  | { readonly type: "answer"; readonly payload: string };

/** Commands of one letter that the stub gets; arguments follow at once. */
const LETTERS = "?!DgGMpPHTzZ";
const RESUMING_LETTERS = "cCsS";
/** Questions that change nothing, not even which CPU is meant. */
const ASKING_LETTERS = "gpq";
/** Commands with names, up to the first of `,;:=` or the end. */
const NAMES: ReadonlySet<string> = new Set([
  ...["vCont?", "vAttach", "qSupported", "qXfer", "qAttached", "qC", "qCRC", "qOffsets", "qSymbol"],
  ...["qfThreadInfo", "qsThreadInfo", "qThreadExtraInfo", "qTStatus", "qemu.PhyMemMode"],
  ...["qqemu.PhyMemMode", "Qqemu.PhyMemMode", "qqemu.sstep", "qqemu.sstepbits", "Qqemu.sstep"],
]);
const READABLE_OBJECTS: ReadonlySet<string> = new Set(["features"]);
const LONGEST_NAME = 64;
/** Longest line of `monitor` that is looked at. */
const MAX_MONITOR_BYTES = 1_024;

const NOT_SUPPORTED: GdbRequest = { type: "answer", payload: "" };

/**
 * What a debugger's packet asks for. What is not known goes nowhere: a stub that learns something new, such as files of
 * its host, is not reached by it.
 */
export function readGdbRequest(payload: Uint8Array): GdbRequest {
  const head = payloadText(payload, LONGEST_NAME);
  const letter = head.slice(0, 1);
  if (head === "") return NOT_SUPPORTED;
  if (letter === "k") return { type: "kill", wantsAnswer: false };
  if (RESUMING_LETTERS.includes(letter)) return { type: "resume" };
  if (letter === "m") return readMemoryRead(head) ?? { type: "forward", onlyAsks: true };
  if (letter === "X") return { type: "write" };
  if (LETTERS.includes(letter)) return forward(letter);
  const name = /^[^,;:=]*/.exec(head)?.[0] ?? "";
  if (name === "vKill") return { type: "kill", wantsAnswer: true };
  if (name === "vCont") return { type: "resume" };
  if (name === "QStartNoAckMode") return { type: "noAcknowledgement" };
  if (name === "qRcmd") return readMonitor(payload);
  if (name === "qSupported") return { type: "features" };
  if (name === "qXfer") {
    const object = head.split(":")[1] ?? "";
    return READABLE_OBJECTS.has(object) ? forward(letter) : NOT_SUPPORTED;
  }
  return NAMES.has(name) ? forward(letter) : NOT_SUPPORTED;
}

function forward(letter: string): GdbRequest {
  return { type: "forward", onlyAsks: ASKING_LETTERS.includes(letter) };
}

/** Undefined where it is for the stub to say what is wrong with it, or where the address is no number of ours. */
function readMemoryRead(head: string): GdbRequest | undefined {
  const [, address = "", bytes = ""] = /^m([0-9a-fA-F]{1,13}),([0-9a-fA-F]{1,4})$/.exec(head) ?? [];
  if (address === "") return undefined;
  return { type: "read", range: { address: Number.parseInt(address, 16), bytes: Number.parseInt(bytes, 16) } };
}

function readMonitor(payload: Uint8Array): GdbRequest {
  const text = payloadText(unescapeBytes(payload), 2 * MAX_MONITOR_BYTES + 8);
  const bytes = bytesOfHex(text.slice("qRcmd,".length));
  if (!bytes || bytes.length > MAX_MONITOR_BYTES) return { type: "answer", payload: "E01" };
  return { type: "monitor", command: new TextDecoder().decode(bytes) };
}
