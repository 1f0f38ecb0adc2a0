import { FarmError } from "../error/farm-error.ts";
import type { BoardSpec, FirmwareFormat } from "../schema/board.ts";
import type { ElfFacts, ElfSegment } from "./elf.ts";
import type { FirmwareFacts } from "./firmware-facts.ts";

export interface FirmwareCheck {
  /** Name of the file, or its digest, for the error. */
  readonly name: string;
  readonly facts: FirmwareFacts;
  /** Format that the job names; without one, the bytes tell. */
  readonly format?: FirmwareFormat | undefined;
  readonly boardName: string;
  readonly board: BoardSpec;
}

interface Region {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Whether a board takes an image.
 * @returns the format that it is loaded as
 * @throws {FarmError} FirmwareEmpty, FirmwareTruncated, FirmwareFormat, FirmwareArchitecture, FirmwareTooLarge
 */
export function checkFirmware(check: FirmwareCheck): FirmwareFormat {
  const { facts, name } = check;
  if (facts.sizeBytes === 0) throw new FarmError("FirmwareEmpty", { name });
  const format = chooseFormat(check);
  if (format === "elf" && facts.elf) checkElf(check, facts.elf);
  else if (format === "hex") checkHex(check);
  else checkImageSize(check, format);
  return format;
}

function chooseFormat({ name, facts, format, boardName, board }: FirmwareCheck): FirmwareFormat {
  const { formats } = board.firmware;
  const refuse = (actual: string, expected: string = formats.join(", ")) =>
    new FarmError("FirmwareFormat", { name, actual, board: boardName, expected });
  if (format !== undefined) {
    if (!formats.includes(format)) throw refuse(`said to be ${format}`);
    const isKnownByBytes = format === "elf" || format === "hex";
    if (isKnownByBytes && facts.format !== format) throw refuse(facts.description, format);
    return format;
  }
  if (facts.format && formats.includes(facts.format)) return facts.format;
  // A kernel may be taken as a raw image; an ELF or a HEX file, never.
  const isRaw = !facts.isForeign && facts.format !== "elf" && facts.format !== "hex";
  const raw = formats.find((one) => one === "bin" || one === "sd-image" || one === "esp-flash");
  if (!raw || !isRaw) throw refuse(facts.description);
  return raw;
}

function checkElf(check: FirmwareCheck, elf: ElfFacts): void {
  const { name, facts, boardName, board } = check;
  const { sizeBytes } = facts;
  if (elf.promisedBytes > sizeBytes) {
    throw new FarmError("FirmwareTruncated", { name, expectedBytes: elf.promisedBytes, actualBytes: sizeBytes });
  }
  const wanted = board.firmware.elf;
  if (wanted) {
    const isMachine = (wanted.machines as readonly string[]).includes(elf.machine);
    const isClass = wanted.class === undefined || wanted.class === elf.class;
    // Xtensa cores exist in both byte orders; everything else that boards have is little-endian.
    const isOrder = elf.isLittleEndian || board.architecture === "xtensa";
    if (!isMachine || !isClass || !isOrder) {
      const actual = describeMachine(elf.machine, elf.class, elf.isLittleEndian);
      const expected = wanted.machines.map((machine) => describeMachine(machine, wanted.class, true)).join(" or ");
      throw new FarmError("FirmwareArchitecture", { name, actual, board: boardName, expected });
    }
  }
  const regions = mergeRegions(board);
  for (const [index, segment] of elf.segments.entries()) {
    const problem = findMisplacement(segment, regions);
    if (problem === undefined) continue;
    const which = elf.segments.length === 1 ? "its segment" : `segment ${index + 1} of ${elf.segments.length}`;
    throw new FarmError("FirmwareTooLarge", { name, board: boardName, problem: `${which} ${problem}` });
  }
  if (elf.areSegmentsKnown && elf.segments.every((segment) => segment.fileBytes <= segment.headerBytes)) {
    const actual = "an ELF with nothing in it to load (an object file, or a program without code)";
    throw new FarmError("FirmwareFormat", { name, actual, board: boardName, expected: "a linked program" });
  }
}

function describeMachine(machine: string, bits: 32 | 64 | undefined, isLittleEndian: boolean): string {
  const width = bits === undefined ? "" : ` ${bits}-bit`;
  return `${machine}${width}${isLittleEndian ? "" : " big-endian"}`;
}

/** Why a segment cannot lie where it wants to, on a board that names its regions. Images are loaded at physical addresses. */
function findMisplacement(segment: ElfSegment, regions: readonly Region[]): string | undefined {
  if (regions.length === 0) return undefined;
  const { physicalAddress: start, virtualAddress, fileBytes, memoryBytes, headerBytes } = segment;
  const region = regions.find((one) => start >= one.start && start < one.end);
  // A segment without bytes of the program is its headers, which nobody reads, or memory that it clears itself; of that
  // only what is in a region can be judged.
  if (fileBytes <= headerBytes && !region) return undefined;
  const next = regions.find((one) => one.start > start && one.start - start <= headerBytes);
  if (!region && next) return findMisplacement(withoutHeaders(segment, next.start - start), regions);
  const bytes = start === virtualAddress ? Math.max(fileBytes, memoryBytes) : fileBytes;
  if (!region) {
    const memory = regions.map((one) => `${one.name} ${hex(one.start)}-${hex(one.end - 1)}`).join(", ");
    return `has ${bytes} bytes that are to lie at ${hex(start)}, outside its memory (${memory})`;
  }
  if (start + bytes <= region.end) return undefined;
  return `at ${hex(start)} has ${bytes} bytes; ${region.name} has room for ${region.end - start} there`;
}

/** The segment from there on. */
function withoutHeaders(segment: ElfSegment, bytes: number): ElfSegment {
  return {
    physicalAddress: segment.physicalAddress + bytes,
    virtualAddress: segment.virtualAddress + bytes,
    fileBytes: segment.fileBytes - bytes,
    memoryBytes: segment.memoryBytes - bytes,
    headerBytes: segment.headerBytes - bytes,
  };
}

function checkHex({ name, facts, boardName }: FirmwareCheck): void {
  if (facts.hexProblem === undefined) return;
  const actual = `a broken Intel HEX file (${facts.hexProblem})`;
  throw new FarmError("FirmwareFormat", { name, actual, board: boardName, expected: "a whole one" });
}

function checkImageSize({ name, facts, boardName, board }: FirmwareCheck, format: FirmwareFormat): void {
  const room = roomFor(board, format);
  if (room === undefined || facts.sizeBytes <= room.bytes) return;
  const problem = `it has ${facts.sizeBytes} bytes; ${room.name} has ${room.bytes}`;
  throw new FarmError("FirmwareTooLarge", { name, board: boardName, problem });
}

/** Where an image without addresses of its own must fit. */
function roomFor(board: BoardSpec, format: FirmwareFormat): { name: string; bytes: number } | undefined {
  const { firmware, memory } = board;
  if (format === "linux") return { name: "the memory", bytes: memory.ramMiB * 1024 * 1024 };
  if (format === "sd-image") return undefined;
  const load = (format === "bin" ? firmware.loadByFormat.bin : undefined) ?? firmware.load;
  if (load === "pflash" && firmware.flashSizeKiB !== undefined) {
    return { name: "the flash", bytes: firmware.flashSizeKiB * 1024 };
  }
  const regions = mergeRegions(board);
  const { loadAddress } = firmware;
  if (load === "loader" && loadAddress !== undefined) {
    const region = regions.find((one) => loadAddress >= one.start && loadAddress < one.end);
    return region && { name: `${region.name} from ${hex(loadAddress)} on`, bytes: region.end - loadAddress };
  }
  const largest = regions.toSorted((one, other) => other.end - other.start - (one.end - one.start))[0];
  return largest && { name: largest.name, bytes: largest.end - largest.start };
}

/** The regions of a board in order; those that touch are one. */
function mergeRegions(board: BoardSpec): Region[] {
  const merged: Region[] = [];
  for (const { name, base, sizeKiB } of board.memory.regions.toSorted((one, other) => one.base - other.base)) {
    const last = merged.at(-1);
    const end = base + sizeKiB * 1024;
    if (!last || last.end < base) merged.push({ name, start: base, end });
    else merged.splice(-1, 1, { name: `${last.name}+${name}`, start: last.start, end: Math.max(last.end, end) });
  }
  return merged;
}

function hex(address: number): string {
  return `0x${address.toString(16).padStart(8, "0")}`;
}
