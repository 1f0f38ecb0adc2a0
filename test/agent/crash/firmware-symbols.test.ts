import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openSymbols } from "../../../src/agent/crash/firmware-symbols.ts";
import { readFunctions } from "../../../src/core/symbols/elf-functions.ts";
import { readElfSections } from "../../../src/core/symbols/elf-sections.ts";
import { buildFirmware } from "../../firmware/build.ts";

const BOARDS = [
  ["mps2-an385", "arm-none-eabi-"],
  ["arm-virt", "aarch64-linux-gnu-"],
  ["q35", "x86_64-linux-gnu-"],
  ["riscv32-virt", "riscv64-unknown-elf-"],
  ["riscv64-virt", "riscv64-unknown-elf-"],
  ["uno", "avr-"],
] as const;

/** Where there is no line, versions of binutils tell one label or another, and a file or none. */
const NO_LINE = "no line";

async function debugged(board: string): Promise<string> {
  return join(await buildFirmware(), board, "debugged.elf");
}

/** Addresses in every function that has a size. */
async function sampleOf(path: string): Promise<number[]> {
  const elf = readElfSections(await readFile(path));
  const functions = elf ? readFunctions(elf).filter(({ sizeBytes }) => sizeBytes > 0) : [];
  return functions.flatMap(({ start, sizeBytes }) => [start, start + 2 * Math.floor(sizeBytes / 4)]);
}

test.for(BOARDS)("functions and lines on %s are those that binutils' %saddr2line tells", async ([board, prefix]) => {
  const path = await debugged(board);
  const addresses = await sampleOf(path);
  expect(addresses.length).toBeGreaterThan(10);
  const symbols = await openSymbols(path);
  const places = await symbols?.placesOf(addresses);
  const told = execFileSync(`${prefix}addr2line`, ["-f", "-e", path, ...addresses.map((one) => one.toString(16))]);
  const lines = told.toString().trim().split("\n");
  const elf = readElfSections(await readFile(path));
  const names = new Set(elf && readFunctions(elf).map(({ name }) => name));
  const ours = addresses.map((address, index) => {
    const place = places?.get(address);
    if (!place?.file) return NO_LINE;
    // Of code from another function, only its line says so.
    const isInlined = !names.has(lines[2 * index] ?? "");
    return `${isInlined ? lines[2 * index] : place.function} ${basename(place.file)}:${place.line}`;
  });
  const theirs = addresses.map((_, index) => {
    const where = (lines[2 * index + 1] ?? "").replace(/ \(discriminator \d+\)/, "");
    return /:[1-9]\d*$/.test(where) ? `${lines[2 * index]} ${basename(where)}` : NO_LINE;
  });
  expect(ours).toEqual(theirs);
});

test("an ELF without symbols, and what is no ELF, have no places", async () => {
  expect(await openSymbols(import.meta.filename)).toBeUndefined();
  expect(await openSymbols(join(await buildFirmware(), "mps2-an385", "echo.elf"))).toBeUndefined();
  expect(await openSymbols("/nowhere")).toBeUndefined();
});

test("an ELF whose tables lie neither fails nor takes long", async () => {
  const folder = await mkdtemp(join(tmpdir(), "symbols-"));
  try {
    const path = await debugged("mps2-an385");
    const image = await readFile(path);
    const addresses = await sampleOf(path);
    const at = fc.integer({ min: 0, max: image.length - 1 });
    const damage = fc.array(fc.tuple(at, fc.nat(255)), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(damage, fc.option(at), async (changes, cut) => {
        const bytes = Buffer.from(image);
        for (const [place, value] of changes) bytes[place] = value;
        const file = join(folder, "damaged.elf");
        await writeFile(file, bytes.subarray(0, cut ?? bytes.length));
        const places = await (await openSymbols(file))?.placesOf(addresses);
        for (const { function: name } of places?.values() ?? []) expect(name).not.toContain("\u001b");
      }),
      { numRuns: 60 },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
