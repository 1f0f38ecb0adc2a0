/** What a guest leaves behind in the process that the next one gets. */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { emulatorFolder, emulatorSets } from "../../boards/emulator-sets.ts";
import { readBoards } from "../../boards/manifests.ts";
import { buildFirmware } from "../../firmware/build.ts";
import { type BootLab, createBootLab, type RecordingUart } from "./boot-lab.ts";

const FARM_QEMU = process.env.EMUFARM_FARM_QEMU_PATH;

let images: string;
beforeAll(async () => {
  images = await buildFirmware();
});

function boardNamed(name: string) {
  const board = readBoards().find(({ metadata }) => metadata.name === name);
  if (!board) throw new Error(`no board ${name}`);
  return board;
}

/** Boots an app of the tests; its console is the first UART. */
async function start(lab: BootLab, board: string, app: string) {
  const firmware = { image: join(images, board, `${app}.elf`), format: "elf" as const, identity: app };
  const { boot, uarts } = await lab.start(boardNamed(board).spec, { firmware });
  return { boot, console: uarts[0] as RecordingUart };
}

/** Runs an app until it has left what it leaves, and stops it. */
async function leave(lab: BootLab, board: string, app: string) {
  const { boot, console } = await start(lab, board, app);
  await console.until("left\n");
  expect(await boot.stop()).toEqual({ reason: "Stopped" });
  await boot[Symbol.asyncDispose]();
  return { said: console.text, pid: boot.pid, strategy: boot.strategy };
}

/** A guest that works: it answers, and ends as it is asked to. */
async function expectWorking(lab: BootLab, board: string) {
  const { boot, console } = await start(lab, board, "shell");
  await console.until("> ");
  console.write("echo as new\n");
  await console.until("as new\n> ");
  console.write("exit 5\n");
  expect(await boot.exited).toEqual({ reason: "GuestExited", code: 5 });
  await boot[Symbol.asyncDispose]();
  return { pid: boot.pid, strategy: boot.strategy };
}

describe("in the farm's own QEMU, recycled", () => {
  if (FARM_QEMU === undefined) {
    test.skip("it is not built here (npm run qemu)");
    return;
  }
  const searchPath = [FARM_QEMU];

  test.each([
    ["a watchdog that is armed", "mps2-an385", "watchdog-left"],
    ["interrupts of 1 MHz", "mps2-an385", "interrupt-storm"],
    ["a flash chip in the middle of a write", "arm-virt", "flash-left"],
    ["a flash chip in the middle of a write", "riscv64-virt", "flash-left"],
    ["a DMA controller that has copied, and is to copy", "raspi2b", "dma-left"],
    ["a fuse that was blown", "sifive-u", "fuse-left"],
    ["a fuse that was blown", "raspi2b", "fuse-left"],
    ["memory full of a pattern", "mps2-an385", "ram-left"],
    ["memory full of a pattern", "arm-virt", "ram-left"],
    ["memory full of a pattern", "riscv64-virt", "ram-left"],
  ])("%s is as new for the next guest: %s", async (_what, board, app) => {
    await using fresh = await createBootLab({ searchPath });
    const { said } = await leave(fresh, board, app);
    await using lab = await createBootLab({ searchPath, strategy: "recycle" });
    const first = await leave(lab, board, app);
    const second = await leave(lab, board, app);
    expect([first.said, second.said]).toEqual([said, said]);
    expect(second).toMatchObject({ pid: first.pid, strategy: "recycle" });
    expect(await expectWorking(lab, board)).toEqual({ pid: first.pid, strategy: "recycle" });
  });

  test.each(["mps2-an385", "arm-virt", "sifive-e"])(
    "a UART that its guest has turned off is as new for the next one: %s",
    async (board) => {
      const said: string[] = [];
      await using lab = await createBootLab({ searchPath, strategy: "recycle" });
      for (const strategy of ["spawn", "recycle", "recycle"] as const) {
        const { boot, console } = await start(lab, board, "uart-off");
        expect(await boot.exited).toEqual({ reason: "GuestExited", code: 5 });
        expect(boot.strategy).toBe(strategy);
        await boot[Symbol.asyncDispose]();
        said.push(console.text);
      }
      expect(said[0]).toMatch(/^found( \d+)+\n$/);
      expect(said.slice(1)).toEqual([said[0], said[0]]);
      expect(await expectWorking(lab, board)).toMatchObject({ strategy: "recycle" });
    },
  );

  test("a watchdog that was left armed bites nobody later, and does bite the guest that armed it", async () => {
    await using lab = await createBootLab({ searchPath, strategy: "recycle" });
    const { pid } = await leave(lab, "mps2-an385", "watchdog-left");
    const { boot, console } = await start(lab, "mps2-an385", "ticker");
    await console.until("tick 5\n");
    expect(boot).toMatchObject({ pid, resets: 0, strategy: "recycle" });
    await boot[Symbol.asyncDispose]();
    const { boot: bitten } = await start(lab, "mps2-an385", "watchdog-left");
    expect(await bitten.exited).toMatchObject({ reason: "GuestCrashed", detail: expect.stringContaining("Lockup") });
  });

  test("an emulator that a guest's DMA keeps for itself is ended, and the next guest gets another", async () => {
    await using lab = await createBootLab({ searchPath, strategy: "recycle", stopGraceMs: 500 });
    const { boot, console } = await start(lab, "raspi2b", "dma-endless");
    await console.until("copying for ever\n");
    // It says so before it does: from then on nobody gets an answer of the emulator, however long they wait.
    const answers = () => boot.qmp.execute("query-status", undefined, { timeoutMs: 3_000 });
    await vi.waitUntil(
      () =>
        answers().then(
          () => false,
          () => true,
        ),
      { timeout: 60_000 },
    );
    expect(await boot.stop()).toEqual({ reason: "Stopped" });
    await boot[Symbol.asyncDispose]();
    expect(console.text).not.toContain("done");
    expect((await expectWorking(lab, "raspi2b")).pid).not.toBe(boot.pid);
  });
});

/** Emulators that can write the state of a guest into a file. */
const withTemplates = emulatorSets().filter((set) => {
  const { spec, ...board } = boardNamed("arm-virt");
  return emulatorFolder(set, { ...board, spec: { ...spec, emulator: { ...spec.emulator, minVersion: "8.2" } } });
});

test.each(withTemplates)(
  "a template that is removed while guests run from it: they go on, the next makes it anew: $name",
  async ({ folders }) => {
    await using lab = await createBootLab({ searchPath: folders, strategy: "template" });
    const board = boardNamed("arm-virt").spec;
    const ready = { uart: "uart0", pattern: "> " };
    const firmware = { image: join(images, "arm-virt", "shell.elf"), format: "elf" as const, identity: "shell" };
    const restored = async () => {
      const { boot, uarts } = await lab.start({ ...board, ready }, { firmware });
      // Before it runs, its output is here already, and its input would be lost.
      await boot.running;
      return { boot, console: uarts[0] as RecordingUart };
    };
    const { boot, console } = await restored();
    const [folder = ""] = await readdir(join(lab.folder, "snapshots"));
    await rm(join(lab.folder, "snapshots", folder, "ram"));
    console.write("echo without it\n");
    await console.until("without it\n> ");
    console.write("exit 6\n");
    expect(await boot.exited).toEqual({ reason: "GuestExited", code: 6 });
    await boot[Symbol.asyncDispose]();
    const next = await restored();
    next.console.write("echo anew\n");
    await next.console.until("anew\n> ");
    expect(next.boot.strategy).toBe("template");
  },
);
