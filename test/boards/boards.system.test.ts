import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkFirmware } from "../../src/core/firmware/check-firmware.ts";
import { readFirmwareFacts } from "../../src/core/firmware/firmware-facts.ts";
import type { Board, Ending } from "../../src/core/schema/board.ts";
import { buildFirmware } from "../firmware/build.ts";
import { type BareExit, BareQemu } from "./bare-qemu.ts";
import { emulatorFolder, emulatorSets } from "./emulator-sets.ts";
import { intelHex, intelHexOf, rawImage } from "./image-formats.ts";
import { readBoards } from "./manifests.ts";

const boards = readBoards();
const sets = emulatorSets();
let firmware: string;
let folder: string;

beforeAll(async () => {
  firmware = await buildFirmware();
  folder = mkdtempSync(join(tmpdir(), "emufarm-boards-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

// What a board does not have is left out, not skipped: a skipped test is one that this machine cannot run.
describe.each(boards.map((board) => ({ name: board.metadata.name, board })))("$name", ({ name, board }) => {
  const { endings, firmware: accepted, memory, uarts } = board.spec;
  const [ending = "none"] = endings;
  const places = sets.flatMap((set) => {
    const at = emulatorFolder(set, board);
    return at === undefined ? [] : [{ on: set.name, at }];
  });
  const image = (app: string) => join(firmware, name, `${app}.elf`);

  if (places.length === 0) {
    it.skip(`needs ${board.spec.emulator.binary} ${board.spec.emulator.minVersion}`);
    return;
  }

  it.each(["hello", "shell", "unity", "ztest"])("takes %s by the farm's own checks", (app) => {
    const bytes = readFileSync(image(app));
    const facts = readFirmwareFacts({ head: bytes, tail: bytes.subarray(-512), sizeBytes: bytes.length });
    expect(checkFirmware({ name: app, facts, boardName: name, board: board.spec })).toBe("elf");
  });

  describe.each(places)("on $on", ({ at }) => {
    it("says hello and ends", async () => {
      await using qemu = await BareQemu.start(board, { path: image("hello") }, at);
      await qemu.uart().until("boot ok\n");
      if (ending === "none") await qemu.uart().until("done, exit code 0\n");
      else expect(await qemu.exit()).toMatchObject({ code: statusOf(ending, 0), signal: null });
    });

    it("talks both ways on its UARTs, loses nothing while nobody reads, and ends with a code", async () => {
      await using qemu = await BareQemu.start(board, { path: image("shell") }, at);
      const console = qemu.uart();
      await console.until(`emufarm shell on ${name}\n> `);
      console.write("echo hello there\n");
      await console.until("hello there\n> ");
      console.write("binary\n");
      expect([...Buffer.from(await console.until("\xff> "), "latin1")]).toEqual(
        Array.from({ length: 255 }, (_, n) => n),
      );
      if (uarts.length > 1) {
        console.write("uart1 over to you\n");
        await qemu.uart(1).until("over to you\n");
        await console.until("> ");
        qemu.uart(1).write("x");
        await console.until("uart1 got x\n");
      }
      console.write("flood 16\n");
      await console.until("00000003");
      await console.pause(200);
      expect(await console.until("> ")).toHaveLength(16 * 1024 - 3 * 64 - 8);
      if (ending === "none") return;
      console.write("exit 7\n");
      expect(await qemu.exit()).toMatchObject({ code: statusOf(ending, 7), signal: null });
    });

    if (endings.includes("reset"))
      it("resets", async () => {
        await using qemu = await BareQemu.start(board, { path: image("shell") }, at);
        await qemu.uart().until("> ");
        qemu.uart().write("reset\n");
        await qemu.uart().until("emufarm shell on");
        expect(qemu.events).toContain("RESET guest-reset");
      });

    if (endings.includes("shutdown"))
      it("switches itself off", async () => {
        await using qemu = await BareQemu.start(board, { path: image("shell") }, at);
        await qemu.uart().until("> ");
        qemu.uart().write("off\n");
        expect(await qemu.exit()).toMatchObject({ code: 0, signal: null } satisfies Partial<BareExit>);
      });

    // A raw image for -bios of the Arm machine lies in flash, where the example is not linked to.
    const raw = accepted.formats.includes("bin") && name !== "arm-virt";
    if (raw)
      it("takes a raw image", async () => {
        const path = join(folder, `${name}.bin`);
        writeFileSync(path, rawImage(readFileSync(image("hello"))));
        await using qemu = await BareQemu.start(board, { path, format: "bin" }, at);
        await qemu.uart().until("boot ok\n");
      });

    if (accepted.formats.includes("hex"))
      it("takes an Intel HEX file", async () => {
        const path = join(folder, `${name}.hex`);
        writeFileSync(path, intelHex(readFileSync(image("hello"))));
        await using qemu = await BareQemu.start(board, { path, format: "hex" }, at);
        await qemu.uart().until("boot ok\n");
      });

    it("has memory in the middle and at the end of each of its regions", () => {
      const addresses = memory.regions.flatMap(({ base, sizeKiB }) => [
        base + sizeKiB * 512,
        base + sizeKiB * 1024 - 4,
      ]);
      for (const address of addresses) {
        expect(readBack(board, at, address), `nothing stays at 0x${address.toString(16)}`).toContain("0x5ec0ffee");
      }
    });
  });
});

/** What the emulator's process ends with when the guest ends with a code: isa-debug-exit shifts it. */
function statusOf(ending: Ending, code: number): number {
  return ending === "debug-exit" ? (code << 1) | 1 : code;
}

/** Loads a word to an address of the stopped board and reads it back, as the CPU and as the bus see it. */
function readBack({ spec: { emulator, memory } }: Board, at: string, address: number): string {
  const marker = join(folder, "marker.hex");
  writeFileSync(marker, intelHexOf([{ address, bytes: Buffer.from("eeffc05e", "hex") }]));
  const args = ["-M", emulator.machine, "-nodefaults", "-display", "none", "-S", "-monitor", "stdio"];
  if (emulator.cpu) args.push("-cpu", emulator.cpu);
  if (emulator.cpus > 1) args.push("-smp", String(emulator.cpus));
  if (!memory.isFixed) args.push("-m", `${memory.ramMiB}M`);
  if (emulator.bios === "none") args.push("-bios", "none");
  args.push("-device", `loader,file=${marker}`);
  const where = `0x${address.toString(16)}`;
  const input = `x /1xw ${where}\nxp /1xw ${where}\nquit\n`;
  return execFileSync(join(at, emulator.binary), args, { input, encoding: "utf8", stdio: "pipe" });
}
