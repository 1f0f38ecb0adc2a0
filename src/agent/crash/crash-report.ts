import {
  type ArmException,
  type CpuPlace,
  EXCEPTION_FRAME_WORDS,
  readArmException,
  readCpuPlace,
} from "../../core/symbols/cpu-registers.ts";
import type { CpuState, GuestExit } from "../../core/wire/attempt.ts";
import type { FirmwareFiles } from "../boot/boot.ts";
import { type CodePlace, openSymbols } from "./firmware-symbols.ts";

/** What the emulator told of its CPU at the crash. */
export interface CrashedCpu {
  /** Registers as it prints them, with whatever else it said. */
  readonly dump: string;
  /** Numbers from the stack, the newest first; none where it has gone. */
  readonly stack: readonly number[];
}

const MAX_REGISTER_LINES = 40;
const MAX_LINE_LENGTH = 200;
/** As many callers as a person reads. */
const MAX_CALLERS = 16;
const NO_HANDLER = "in an exception that has no handler";

/** The guest's end with the place of its crash, where registers and symbols tell it. */
export async function withCrashPlace(
  exit: GuestExit,
  { dump, stack }: CrashedCpu,
  firmware: FirmwareFiles | undefined,
): Promise<GuestExit> {
  const place = exit.reason === "GuestCrashed" ? readCpuPlace(dump) : undefined;
  if (!place) return exit;
  const symbols = firmware?.format === "elf" ? await openSymbols(firmware.image) : undefined;
  const exception = readArmException(dump, stack);
  const exact = [place.pc, ...(exception?.interrupted ? [exception.interrupted.pc] : [])];
  const returns = exception?.interrupted
    ? returnAddresses(exception.interrupted, stack.slice(EXCEPTION_FRAME_WORDS))
    : returnAddresses(place, stack);
  // A call's line is that of the instruction before the one it returns to.
  const places = await symbols?.placesOf([...exact, ...returns.map((address) => address - 1)]);
  const frames = exact.map((address) => frameOf(address, places?.get(address)));
  for (const address of returns) {
    const caller = places?.get(address - 1);
    // What points to a function's first byte is a pointer to it, not a way back.
    if (caller && caller.offset > 0 && frames.length <= MAX_CALLERS) frames.push(frameOf(address, caller));
  }
  const cpu: CpuState = { registers: registersIn(dump), frames };
  const where = whereIn(frames, place, exception);
  return { ...exit, cpu, ...(where !== undefined && { place: where }) };
}

/** The function that the CPU is in, or, where an exception has led it out of all functions, the one that it came from. */
function whereIn(
  [top, ...others]: CpuState["frames"],
  place: CpuPlace,
  exception: ArmException | undefined,
): string | undefined {
  if (top?.function !== undefined) return `at ${inWords(top)}${calledFrom(place, others)}`;
  if (!exception) return undefined;
  const [from, ...callers] = others;
  if (!exception.interrupted || from?.function === undefined) return NO_HANDLER;
  return `at ${inWords(from)}${calledFrom(exception.interrupted, callers)}; ${NO_HANDLER}`;
}

function returnAddresses({ pc, link }: CpuPlace, stack: readonly number[]): number[] {
  // The lowest bit of an Arm's return address says that it is Thumb.
  const even = [...(link === undefined ? [] : [link]), ...stack].map((address) => address - (address % 2));
  return [...new Set(even)].filter((address) => address > 0 && address !== pc);
}

function calledFrom({ link }: CpuPlace, [caller]: CpuState["frames"]): string {
  const isLinked = link !== undefined && caller?.address === hex(link - (link % 2));
  return caller && isLinked ? `, called from ${inWords(caller)}` : "";
}

function frameOf(address: number, place: CodePlace | undefined): CpuState["frames"][number] {
  return {
    address: hex(address),
    ...(place && { function: place.function }),
    ...(place?.file !== undefined && { file: place.file }),
    ...(place?.line !== undefined && { line: place.line }),
  };
}

function inWords({ function: name = "", file, line }: CpuState["frames"][number]): string {
  return file === undefined ? name : `${name} (${file}:${line})`;
}

function registersIn(dump: string): string {
  const lines = dump.split("\n").map((line) => line.trimEnd());
  return lines
    .filter((line) => /[A-Za-z0-9/]+[=: ]\s*[0-9a-fA-F]{4,16}\b/.test(line))
    .slice(0, MAX_REGISTER_LINES)
    .map((line) => line.slice(0, MAX_LINE_LENGTH))
    .join("\n");
}

function hex(address: number): string {
  return `0x${address.toString(16).padStart(8, "0")}`;
}
