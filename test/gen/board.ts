import { type BoardSpec, type BoardSpecInput, boardSpec } from "../../src/core/schema/board.ts";

/** A board that boots ELF files and has one UART. */
export function aBoard(options: Partial<BoardSpecInput> = {}): BoardSpec {
  return boardSpec.parse({
    title: "A board",
    architecture: "arm",
    emulator: { binary: "qemu-system-arm", minVersion: "7.2", machine: "mps2-an385" },
    memory: { ramMiB: 16 },
    uarts: [{ name: "uart0", index: 0 }],
    firmware: { formats: ["elf"], load: "kernel" },
    endings: ["reset"],
    ...options,
  });
}
