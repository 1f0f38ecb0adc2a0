import { expect, test } from "vitest";
import { readFunctions } from "../../../src/core/symbols/elf-functions.ts";
import type { ElfSection } from "../../../src/core/symbols/elf-sections.ts";

const SYMBOLS = 100_000;
const TEXT_BYTES = 16 * 1024 * 1024;

test("very many symbols that are named by one text of many megabytes are read all the same", () => {
  const table = new Uint8Array(16 * SYMBOLS);
  for (let at = 0; at < table.length; at += 16) table.set([2, 0, 1, 0], at + 12);
  const section = (given: Partial<ElfSection>): ElfSection => ({
    ...{ name: "", type: 0, isCode: false, isCompressed: false, link: 0, bytes: new Uint8Array(0) },
    ...given,
  });
  const sections = [
    section({ type: 2, link: 2, bytes: table }),
    section({ isCode: true }),
    section({ bytes: new Uint8Array(TEXT_BYTES).fill(0x61) }),
  ];
  const functions = readFunctions({ class: 32, isLittleEndian: true, machine: 40, sections });
  expect(functions).toHaveLength(SYMBOLS);
  expect(functions[0]?.name.length).toBeLessThan(2_000);
});
