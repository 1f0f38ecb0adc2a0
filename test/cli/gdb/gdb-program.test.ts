import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { architectureCommands, findGdb } from "../../../src/cli/gdb/gdb-program.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gdb-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** A folder for PATH with these programs. */
function pathWith(...programs: readonly string[]): string {
  for (const program of programs) {
    writeFileSync(join(folder, program), "#!/bin/sh\n");
    chmodSync(join(folder, program), 0o755);
  }
  return folder;
}

test.each([
  ["arm", ["gdb-multiarch", "gdb", "avr-gdb"], "gdb-multiarch"],
  ["riscv64", ["gdb", "avr-gdb"], "gdb"],
  ["avr", ["gdb-multiarch", "gdb", "avr-gdb"], "avr-gdb"],
  ["xtensa", ["gdb-multiarch", "xtensa-esp32-elf-gdb"], "xtensa-esp32-elf-gdb"],
] as const)("the gdb of %s among %j is %s", (architecture, programs, found) => {
  expect(findGdb({ env: { PATH: `/nowhere::${pathWith(...programs)}` } }, architecture)).toBe(found);
});

test("EMUFARM_GDB is taken for every architecture, whatever is in PATH", () => {
  const env = { PATH: pathWith("gdb-multiarch", "avr-gdb"), EMUFARM_GDB: "/opt/my gdb" };
  for (const architecture of ["arm", "avr", "xtensa"] as const)
    expect(findGdb({ env }, architecture)).toBe("/opt/my gdb");
});

test("one that cannot be run is none", () => {
  writeFileSync(join(folder, "gdb-multiarch"), "", { mode: 0o644 });
  expect(() => findGdb({ env: { PATH: folder } }, "aarch64")).toThrow("There is no gdb-multiarch in PATH");
});

test.each([
  ["avr", "avr-gdb", "gdb-avr"],
  ["xtensa", "xtensa-esp-elf-gdb", "the chip's tool chain"],
  ["riscv32", "gdb-multiarch", "apt-get install gdb-multiarch"],
] as const)("where %s has none, %s is named with where to get it", (architecture, program, advice) => {
  const find = () => findGdb({ env: { PATH: pathWith("gdbserver") } }, architecture);
  expect(find).toThrow(new RegExp(`${program} in PATH.*${advice}`));
});

test("AVR's gdb is told to step where it would want a watchpoint, a PC's how many bits it has, the others nothing", () => {
  expect(architectureCommands("avr")).toEqual(["set can-use-hw-watchpoints 0"]);
  expect(architectureCommands("x86_64")).toEqual(["set architecture i386:x86-64"]);
  for (const architecture of ["arm", "aarch64", "riscv32", "riscv64"] as const)
    expect(architectureCommands(architecture)).toEqual([]);
});
