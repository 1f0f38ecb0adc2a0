import type { FirmwareFormat } from "../schema/board.ts";
import { type ElfFacts, isElf, readElf } from "./elf.ts";

/** Bytes of an image that its facts are read from. */
export const HEAD_BYTES = 64 * 1024;
export const TAIL_BYTES = 512;

export interface FirmwareSample {
  /** The first 64 KiB, or all. */
  readonly head: Uint8Array;
  /** The last 512 bytes, or all. */
  readonly tail: Uint8Array;
  readonly sizeBytes: number;
}

/** What an image tells about itself. */
export interface FirmwareFacts {
  readonly sizeBytes: number;
  /** Format, where the bytes tell one; a raw image tells none. */
  readonly format?: FirmwareFormat;
  /** What the bytes are, for people, with the article: "an ELF", "a zip archive". */
  readonly description: string;
  /** True for bytes that are certainly no raw image, such as an archive or a web page. */
  readonly isForeign: boolean;
  readonly elf?: ElfFacts;
  /** What is wrong with an Intel HEX file. */
  readonly hexProblem?: string;
}

interface Magic {
  readonly description: string;
  readonly at: number;
  readonly bytes: string;
}

/** Linux kernels: Documentation/arch/{x86/boot,arm64/booting,riscv/boot-image-header}.rst; zImage: arch/arm. */
const KERNELS: readonly Magic[] = [
  { description: "an x86 Linux kernel", at: 0x202, bytes: "HdrS" },
  { description: "an arm64 Linux kernel", at: 0x38, bytes: "ARM\x64" },
  { description: "a RISC-V Linux kernel", at: 0x38, bytes: "RSC\x05" },
  { description: "an Arm Linux kernel", at: 0x24, bytes: "\x18\x28\x6f\x01" },
];

/** What people upload by mistake. */
const FOREIGN: readonly Magic[] = [
  { description: "a zip archive", at: 0, bytes: "PK\x03\x04" },
  { description: "a gzip file", at: 0, bytes: "\x1f\x8b" },
  { description: "an xz file", at: 0, bytes: "\xfd7zXZ" },
  { description: "a zstd file", at: 0, bytes: "\x28\xb5\x2f\xfd" },
  { description: "a tar archive", at: 257, bytes: "ustar" },
  { description: "a UF2 image", at: 0, bytes: "UF2\n" },
  { description: "a Windows program", at: 0, bytes: "MZ" },
  { description: "a Mach-O program", at: 0, bytes: "\xcf\xfa\xed\xfe" },
  { description: "a static library", at: 0, bytes: "!<arch>\n" },
];

export function readFirmwareFacts(sample: FirmwareSample): FirmwareFacts {
  const { head, sizeBytes } = sample;
  if (isElf(head)) {
    return { sizeBytes, format: "elf", description: "an ELF", isForeign: false, elf: readElf(head) };
  }
  const kernel = KERNELS.find((magic) => hasMagic(head, magic));
  if (kernel) return { sizeBytes, format: "linux", description: kernel.description, isForeign: false };
  if (/^:[0-9a-fA-F]{10}/.test(latin1(head.subarray(0, 11)))) return readHexFacts(sample);
  const foreign = FOREIGN.find((magic) => hasMagic(head, magic))?.description ?? describeText(head);
  return { sizeBytes, description: foreign ?? "a raw image", isForeign: foreign !== undefined };
}

/** Intel HEX: each line a colon, bytes in hexadecimal, the last of which makes their sum zero. */
function readHexFacts({ head, tail, sizeBytes }: FirmwareSample): FirmwareFacts {
  const lines = latin1(head).split(/\r?\n/);
  // The last line may be cut by the end of the head.
  if (head.length < sizeBytes) lines.pop();
  const broken = lines.findIndex((line) => line !== "" && !isHexRecord(line));
  const facts = { sizeBytes, format: "hex", description: "an Intel HEX file", isForeign: false } as const;
  if (broken !== -1) return { ...facts, hexProblem: `line ${broken + 1} is no record of it` };
  const hasEnd = latin1(tail).trimEnd().toUpperCase().endsWith(":00000001FF");
  return hasEnd ? facts : { ...facts, hexProblem: "its end record is missing: it is cut off" };
}

function isHexRecord(line: string): boolean {
  if (!/^:([0-9a-fA-F]{2}){5,260}$/.test(line)) return false;
  let sum = 0;
  for (let at = 1; at < line.length; at += 2) sum += Number.parseInt(line.slice(at, at + 2), 16);
  return sum % 256 === 0 && Number.parseInt(line.slice(1, 3), 16) === (line.length - 11) / 2;
}

/** A raw image is never plain text from its first byte on. */
function describeText(head: Uint8Array): string | undefined {
  const start = head.subarray(0, 512);
  if (!start.every((byte) => byte === 9 || byte === 10 || byte === 13 || (byte >= 32 && byte < 127))) return undefined;
  // A few instructions may look like letters, and do not end as a line does.
  if (start.length < 8 && start.at(-1) !== 10) return undefined;
  const text = latin1(start).trimStart().toLowerCase();
  if (text.startsWith("<!doctype html") || text.startsWith("<html")) return "a web page";
  if (text.startsWith("version https://git-lfs")) return "a Git LFS pointer (run git lfs pull)";
  return text.startsWith("#!") ? "a script" : "a text file";
}

function hasMagic(head: Uint8Array, { at, bytes }: Magic): boolean {
  return latin1(head.subarray(at, at + bytes.length)) === bytes;
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let start = 0; start < bytes.length; start += 4096) {
    text += String.fromCharCode(...bytes.subarray(start, start + 4096));
  }
  return text;
}
