import { expect, it, test } from "vitest";
import type { BootPlan } from "../../../src/agent/boot/boot-parts.ts";
import { createEmulatorLauncher } from "../../../src/agent/boot/emulator-launcher.ts";
import { type RestoringWay, snapshotKeyOf } from "../../../src/agent/boot/restored-boot.ts";
import type { BoardEmulator } from "../../../src/agent/emulator/emulators.ts";
import type { Slot } from "../../../src/agent/slot/slot.ts";
import { readBoards } from "../../boards/manifests.ts";

const boards = new Map(readBoards().map(({ metadata, spec }) => [metadata.name, spec]));
const launcher = createEmulatorLauncher({ prlimit: "prlimit", answerTimeoutMs: 1, stopGraceMs: 1 });

interface Wanted {
  tenant: string;
  boardName: string;
  sha256: string;
  pattern: string;
  identity: string;
  append: string;
  way: RestoringWay;
}

const WANTED: Wanted = {
  ...{ tenant: "a", boardName: "mps2-an385", sha256: "1", pattern: "> ", identity: "x", append: "", way: "snapshot" },
};

function keyOf({ tenant, boardName, sha256, pattern, identity, append, way }: Wanted): string {
  const board = boards.get(boardName);
  if (board === undefined) throw new Error(`no board ${boardName}`);
  const ready = { uart: "uart0", pattern };
  const emulator = { info: { sha256, version: "10.0.13", hasSandbox: true }, accelerator: "tcg" };
  const request = { tenant, boardName, board: { ...board, ready }, slot: {} as Slot, network: "none" };
  const firmware = { image: "image.elf", format: "elf", identity, append };
  return snapshotKeyOf(
    launcher,
    { request, emulator, firmware } as unknown as BootPlan & { emulator: BoardEmulator },
    way,
  );
}

it("the state of a guest is found again by a boot that is the same", () => {
  expect(keyOf({ ...WANTED })).toBe(keyOf(WANTED));
});

test.each<[string, Partial<Wanted>]>([
  ["of another tenant", { tenant: "b" }],
  ["by another build or version of the emulator", { sha256: "2" }],
  ["of another board", { boardName: "mps2-an386" }],
  ["of other firmware", { identity: "y" }],
  ["with another command line for its kernel", { append: "quiet" }],
  ["with another ready pattern", { pattern: "# " }],
  ["that shares its memory", { way: "template" }],
])("the state of a guest is not restored for one %s", (_what, other) => {
  expect(keyOf({ ...WANTED, ...other })).not.toBe(keyOf(WANTED));
});
