import { existsSync, readFileSync } from "node:fs";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { BoardSpec } from "../../../src/core/schema/board.ts";
import { readBoards } from "../../boards/manifests.ts";
import { buildFirmware } from "../../firmware/build.ts";
import { createStandIns } from "../emulator/stand-in.ts";
import { type BootLabOptions, createBootLab } from "./boot-lab.ts";
import { isAlive } from "./boot-strategy-conformance.ts";

let images: string;
beforeAll(async () => {
  images = await buildFirmware();
});

function boardNamed(name: string): BoardSpec {
  const board = readBoards().find(({ metadata }) => metadata.name === name);
  if (!board) throw new Error(`no board ${name}`);
  return board.spec;
}

function firmware(board: string, app: string) {
  return { image: join(images, board, `${app}.elf`), format: "elf" as const };
}

const FARM_QEMU = process.env.EMUFARM_FARM_QEMU_PATH;

describe("a guest that locks up has crashed, with the emulator's words and the registers of its CPU", () => {
  const lockup = async (options: BootLabOptions) => {
    await using lab = await createBootLab(options);
    const { boot, uarts } = await lab.start(boardNamed("mps2-an385"), { firmware: firmware("mps2-an385", "lockup") });
    const exit = await boot.exited;
    expect(exit).toMatchObject({ reason: "GuestCrashed", detail: expect.stringContaining("Lockup") });
    for (const register of [/\bR14=[0-9a-f]{8}\b/, /\bR15=[0-9a-f]{8}\b/, /\bXPSR=[0-9a-f]{8}\b/]) {
      expect(exit.detail).toMatch(register);
    }
    expect(uarts[0]?.text).toContain("locking up");
    await boot[Symbol.asyncDispose]();
    expect(isAlive(boot.pid)).toBe(false);
  };
  test("under stock QEMU, which aborts", () => lockup({}));
  if (FARM_QEMU === undefined) test.skip("under the farm's own QEMU: it is not built here (npm run qemu)");
  else {
    const searchPath = [FARM_QEMU];
    test("under the farm's own QEMU in a process of its own", () => lockup({ searchPath }));
    test("under the farm's own QEMU in one that is recycled, which keeps the machine", () =>
      lockup({ searchPath, strategy: "recycle" }));
  }
});

test.each(["mps2-an385", "arm-virt"])("a guest of %s that resets for ever is ended at its limit", async (name) => {
  await using lab = await createBootLab();
  const startedMs = performance.now();
  const told: number[] = [];
  const { boot } = await lab.boot(boardNamed(name), {
    firmware: firmware(name, "reset-loop"),
    maxResets: 20,
    events: { onReset: (resets) => told.push(resets) },
  });
  expect(await boot.exited).toMatchObject({ reason: "ResetLoop" });
  expect(boot.resets).toBe(21);
  expect(told.at(-1)).toBe(21);
  // Four times a second, not once for each.
  expect(told.length).toBeLessThan(4 + (performance.now() - startedMs) / 250);
});

test.each(["mps2-an385", "arm-virt", "raspi2b", "riscv64-virt"])(
  "a guest of %s gets nothing of the host by semihosting, whoever it runs as",
  async (name) => {
    for (const uid of process.getuid?.() === 0 ? [undefined, 66_999] : [undefined]) {
      await using lab = await createBootLab({ uid });
      const secret = join(lab.folder, "secret");
      await writeFile(secret, "for nobody else\n");
      await chmod(secret, 0o666);
      await chmod(lab.folder, 0o777);
      const target = join(lab.folder, "written");
      const { boot, uarts } = await lab.boot(boardNamed(name), { firmware: firmware(name, "semihosting-attack") });
      const [console] = uarts;
      if (!console) throw new Error("no UART");
      for (const [count, attack] of [
        `read ${secret}`,
        `write ${target}`,
        `remove ${secret}`,
        `rename ${secret} ${target}`,
        `system touch ${target}`,
        "cmdline",
      ].entries()) {
        await console.until("> ");
        console.write(`${attack}\n`);
        await console.until(count === 5 ? "cmdline: " : `${attack.split(" ", 1)[0]}: refused`);
      }
      expect(console.text).not.toMatch(/(read|write|remove|rename|system): DONE/);
      expect(console.text).not.toContain(images);
      expect(readFileSync(secret, "utf8")).toBe("for nobody else\n");
      expect(existsSync(target)).toBe(false);
      console.write("exit\n");
      const { reason, code } = await boot.exited;
      expect(reason === "GuestShutdown" || (reason === "GuestExited" && code === 0)).toBe(true);
    }
  },
);

test("what the emulator refuses is seen as soon as it exits, with its words", async () => {
  await using lab = await createBootLab();
  const image = join(lab.folder, "nothing.elf");
  const { boot } = await lab.boot(boardNamed("mps2-an385"), { firmware: { image, format: "elf" } });
  await expect(boot.running).rejects.toMatchObject({
    code: "EmulatorRefused",
    class: "job",
    details: { stderr: expect.stringContaining("nothing.elf") },
  });
  expect(await boot.exited).toMatchObject({ reason: "EmulatorRefused", code: 1 });
});

test("an emulator that is killed from outside is no fault of the guest", async () => {
  await using lab = await createBootLab();
  const { boot, uarts } = await lab.boot(boardNamed("mps2-an385"), { firmware: firmware("mps2-an385", "shell") });
  await uarts[0]?.until("> ");
  process.kill(boot.pid, "SIGKILL");
  expect(await boot.exited).toEqual({ reason: "EmulatorKilled", signal: "SIGKILL" });
});

test("an emulator that does not end when asked is killed with its whole process group", async () => {
  await using lab = await createBootLab({ stopGraceMs: 200 });
  const { boot, uarts } = await lab.boot(boardNamed("mps2-an385"), { firmware: firmware("mps2-an385", "shell") });
  await uarts[0]?.until("> ");
  process.kill(boot.pid, "SIGSTOP");
  expect(await boot.stop()).toEqual({ reason: "Stopped" });
  expect(isAlive(boot.pid)).toBe(false);
});

test("an emulator over its memory limit ends alone, as the guest's fault", async () => {
  await using programs = await createStandIns();
  // Says of itself what the real one says; asked to run a guest, it takes 8 GiB.
  await programs.script(
    "qemu-system-aarch64",
    `case "$*" in
      *-nodefaults*) exec dd if=/dev/zero of=/dev/null bs=8G count=1;;
      *--version) echo "QEMU emulator version 7.2.0";;
      *help) printf 'virt  Arm machine\\ntcg\\n';;
    esac`,
  );
  const board = boardNamed("arm-virt");
  await using fat = await createBootLab({ searchPath: [programs.folder] });
  await using lab = await createBootLab();
  const [ending, other] = await Promise.all([
    fat.boot(board, { firmware: firmware("arm-virt", "shell") }),
    lab.boot(board, { firmware: firmware("arm-virt", "shell") }),
  ]);
  expect(await ending.boot.exited).toMatchObject({ reason: "MemoryLimit" });
  await other.uarts[0]?.until("> ");
});

test("a slot in a folder of 200 characters boots: its sockets have no paths", async () => {
  await using lab = await createBootLab({ subfolder: "d".repeat(200) });
  const { boot } = await lab.boot(boardNamed("mps2-an385"), { firmware: firmware("mps2-an385", "hello") });
  expect(await boot.exited).toEqual({ reason: "GuestExited", code: 0 });
});

test("a network that the board does not have is refused before the start", async () => {
  await using lab = await createBootLab();
  await expect(lab.boot(boardNamed("mps2-an385"), { network: "isolated" })).rejects.toMatchObject({
    code: "NotSupportedByBoard",
    class: "job",
  });
});

test("a flash is padded to its size with ones, in a copy; one that is too large is refused", async () => {
  await using lab = await createBootLab();
  const board = boardNamed("arm-virt");
  const flash = {
    ...board,
    firmware: { ...board.firmware, load: "pflash" as const, loadByFormat: {}, flashSizeKiB: 65_536 },
  };
  const image = join(lab.folder, "flash.bin");
  // Arm: an endless loop, so that the flash is there to be looked at.
  await writeFile(image, Buffer.from([0x00, 0x00, 0x00, 0x14]));
  await chmod(image, 0o444);
  const { boot } = await lab.boot(flash, { firmware: { image, format: "bin" } });
  await boot.running;
  const copy = readFileSync(join(lab.slot.folder, "flash.img"));
  expect(copy).toHaveLength(65_536 * 1024);
  expect([copy[3], copy[4], copy.at(-1)]).toEqual([0x14, 0xff, 0xff]);
  await boot.stop();
  expect(existsSync(join(lab.slot.folder, "flash.img"))).toBe(false);
  const small = { ...flash, firmware: { ...flash.firmware, flashSizeKiB: 1 } };
  await writeFile(join(lab.folder, "large.bin"), Buffer.alloc(2_000));
  const large = { image: join(lab.folder, "large.bin"), format: "bin" as const };
  await expect(lab.boot(small, { firmware: large })).rejects.toMatchObject({ code: "FirmwareTooLarge" });
});

test("a slot that cannot be emptied does not hide how its guest ended, and takes no other until it can", async () => {
  await using lab = await createBootLab();
  const board = boardNamed("mps2-an385");
  const request = { firmware: firmware("mps2-an385", "hello") };
  const { boot } = await lab.boot(board, request);
  const { sweep } = lab.slot;
  lab.slot.sweep = () => Promise.reject(new Error("EIO: i/o error"));
  expect(await boot.exited).toMatchObject({ reason: "GuestExited", code: 0 });
  await expect(lab.boot(board, request)).rejects.toMatchObject({ code: "EmulatorStartFailed" });
  lab.slot.sweep = sweep;
  const { boot: next } = await lab.boot(board, request);
  expect(await next.exited).toMatchObject({ reason: "GuestExited", code: 0 });
});
