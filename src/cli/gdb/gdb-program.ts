import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import type { Architecture } from "../../core/schema/board.ts";
import type { Surroundings } from "../surroundings.ts";

interface KnownGdb {
  /** Any of them will do; the first that is there is taken. */
  readonly programs: readonly string[];
  readonly advice: string;
}

const MULTIARCH: KnownGdb = {
  programs: ["gdb-multiarch", "gdb"],
  advice: "Debian: apt-get install gdb-multiarch",
};
/** Debian's gdb-multiarch is without these. */
const OWN: Partial<Record<Architecture, KnownGdb>> = {
  avr: { programs: ["avr-gdb"], advice: "Debian: apt-get install gdb-avr" },
  xtensa: { programs: ["xtensa-esp-elf-gdb", "xtensa-esp32-elf-gdb"], advice: "it comes with the chip's tool chain" },
};

const TOLD: Partial<Record<Architecture, readonly string[]>> = {
  // QEMU's AVR has no watchpoints: gdb steps instead.
  avr: ["set can-use-hw-watchpoints 0"],
  // An image that boots by Multiboot says of itself that it has 32 bits; the stub has the registers of 64.
  x86_64: ["set architecture i386:x86-64"],
};

/** The debugger for an architecture. @throws {FarmError} DebuggerMissing */
export function findGdb({ env }: Pick<Surroundings, "env">, architecture: Architecture): string {
  const named = env.EMUFARM_GDB;
  if (named) return named;
  const { programs, advice } = OWN[architecture] ?? MULTIARCH;
  const found = programs.find((program) => isInPath(program, env.PATH ?? ""));
  if (found === undefined) throw new FarmError("DebuggerMissing", { program: programs[0] ?? "gdb", advice });
  return found;
}

/** What a gdb must be told of an architecture, beyond what the stub tells it. */
export function architectureCommands(architecture: Architecture): readonly string[] {
  return TOLD[architecture] ?? [];
}

function isInPath(program: string, path: string): boolean {
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return folder !== "";
    } catch {
      // Not there, or not ours to run.
      return false;
    }
  });
}
