import { comparePictures } from "../../../src/agent/display/compare-pictures.ts";
import { FarmError } from "../../../src/core/error/farm-error.ts";
import { checkFirmware } from "../../../src/core/firmware/check-firmware.ts";
import { HEAD_BYTES, readFirmwareFacts, TAIL_BYTES } from "../../../src/core/firmware/firmware-facts.ts";
import { functionAt, readFunctions } from "../../../src/core/symbols/elf-functions.ts";
import { readElfSections } from "../../../src/core/symbols/elf-sections.ts";
import { findLines } from "../../../src/core/symbols/line-table.ts";
import { readBoards } from "../../boards/manifests.ts";
import type { Codec } from "../codec.ts";

const BOARDS = readBoards().filter(({ metadata }) =>
  ["mps2-an385", "uno", "q35", "raspi2b", "riscv64-virt"].includes(metadata.name),
);
const ADDRESSES = [0, 4, 0x100, 0x1ec, 0x8000_0000];
const ONE_POINT = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABc3UBGAAAAABJRU5ErkJggg==",
  "base64",
);

/** Images that are uploaded: ELF, Intel HEX, kernels, what is no image. */
const firmware: Codec = {
  name: "firmware",
  isStream: false,
  refusals: [],
  read([bytes = Buffer.alloc(0)]) {
    const head = bytes.subarray(0, HEAD_BYTES);
    const facts = readFirmwareFacts({ head, tail: bytes.subarray(-TAIL_BYTES), sizeBytes: bytes.length });
    return BOARDS.map(({ metadata: { name }, spec }) => {
      try {
        return checkFirmware({ name: "image", facts, boardName: name, board: spec });
      } catch (error) {
        if (error instanceof FarmError) return error.message;
        throw error;
      }
    });
  },
};

/** Symbols and DWARF line tables of an ELF. */
const symbols: Codec = {
  name: "symbols",
  isStream: false,
  refusals: [RangeError],
  read([bytes = Buffer.alloc(0)]) {
    const elf = readElfSections(bytes);
    if (!elf) return undefined;
    const functions = readFunctions(elf);
    const section = (name: string) => elf.sections.find((one) => one.name === name)?.bytes ?? new Uint8Array(0);
    const units = findLines(
      {
        lines: section(".debug_line"),
        lineTexts: section(".debug_line_str"),
        texts: section(".debug_str"),
        addressBytes: elf.class === 64 ? 8 : 4,
        isLittleEndian: elf.isLittleEndian,
      },
      ADDRESSES,
    );
    let unit = units.next();
    while (!unit.done) unit = units.next();
    return [ADDRESSES.map((address) => functionAt(functions, address)?.name), unit.value];
  },
};

/** Pictures that screenshots are compared with. */
const png: Codec = {
  name: "png",
  isStream: false,
  refusals: [FarmError],
  read: ([bytes = Buffer.alloc(0)]) => comparePictures(ONE_POINT, bytes),
};

export const imageCodecs: readonly Codec[] = [firmware, symbols, png];
