import { expect, test } from "vitest";
import { readBoards } from "../boards/manifests.ts";
import { MACHINES } from "./machine-table.ts";

const boards = readBoards();

test("every board that claims to be recycled has its machine in the table, and no other board has", () => {
  const claimed = boards.filter(({ spec }) => spec.boot.proven.includes("recycle"));
  expect(MACHINES.map(({ board }) => board).sort()).toEqual(claimed.map(({ metadata }) => metadata.name));
});

test.each(MACHINES)("the table starts the machine that the manifest names: $board", ({ board, target, args }) => {
  const { emulator } = boards.find(({ metadata }) => metadata.name === board)?.spec ?? {};
  const { binary, machine, cpu, bios } = emulator ?? {};
  const told = Object.fromEntries(args.flatMap((arg, at) => (arg.startsWith("-") ? [[arg, args[at + 1]]] : [])));
  expect(binary).toBe(`qemu-system-${target}`);
  expect({ machine: told["-M"], cpu: told["-cpu"], bios: told["-bios"] }).toEqual({ machine, cpu, bios });
});
