import { readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildFirmware } from "../../firmware/build.ts";
import { CliPlace, PROJECT, type StartedCli } from "../cli-place.ts";

const MIB = 1024 * 1024;
const WRITTEN = 0x12345678;
/** Where fuse-left writes. */
const FUSE = 0x200 * 4;
const OURS = process.env.EMUFARM_FARM_QEMU_PATH;

let place: CliPlace;
let farm: StartedCli;

beforeAll(async () => {
  place = new CliPlace();
  const searched = [OURS, process.env.EMUFARM_QEMU_PATH].filter((folder) => folder).join(delimiter);
  farm = place.start(["up", "--port", "0", "--slots", "2"], { env: { EMUFARM_QEMU_PATH: searched } });
  await farm.said("is up");
});

afterAll(async () => {
  farm.signal("SIGTERM");
  await farm.result;
  place[Symbol.dispose]();
});

/** Starts an instance; settles once its guest has written what it writes. */
async function start(board: string, app: string): Promise<void> {
  const elf = join(await buildFirmware(), board, `${app}.elf`);
  expect(await place.run(["start", board, elf, "--name", board])).toMatchObject({ code: 0 });
  const console = place.start(["console", board]);
  await console.said("left\n");
  console.signal("SIGTERM");
  await console.result;
}

test("emufarm pull has a board's flash in a file, as its guest has left it, and says how much that is", async () => {
  await start("arm-virt", "flash-left");
  const file = join(place.folder, "flash.bin");
  const { code, stdout, stderr } = await place.run(["pull", "arm-virt", "flash", file]);
  expect([code, stdout]).toEqual([0, ""]);
  expect(stderr).toContain(`${64 * MIB} bytes of flash of arm-virt in ${file}`);
  const flash = await readFile(file);
  expect([flash.length, flash.readUInt32LE(0), flash.readUInt32LE(4)]).toEqual([64 * MIB, WRITTEN, 0xffffffff]);
});

test("what a board does not have is named, and leaves no file", async () => {
  const file = join(place.folder, "card.bin");
  const { code, stderr } = await place.run(["pull", "arm-virt", "sd", file]);
  expect(code).not.toBe(0);
  expect(stderr).toContain("this board has flash");
  await expect(readFile(file)).rejects.toMatchObject({ code: "ENOENT" });
  expect(await place.run(["delete", "arm-virt"])).toMatchObject({ code: 0 });
});

test("emufarm pull writes a board's fuses to standard output, and nothing else", async (context) => {
  if (OURS === undefined) return context.skip("the farm's own QEMU is not built (npm run qemu)");
  await start("sifive-u", "fuse-left");
  const file = join(place.folder, "fuses.bin");
  const program = ["sh", "-c", `exec "${process.execPath}" "${PROJECT}/src/cli/main.ts" "$@" > "${file}"`, "emufarm"];
  expect(await place.run(["pull", "sifive-u", "efuse", "-"], { program })).toMatchObject({ code: 0, stderr: "" });
  const fuses = await readFile(file);
  expect([fuses.length, fuses.readUInt32LE(FUSE), fuses.readUInt32LE(0)]).toEqual([16 * 1024, WRITTEN, 0xffffffff]);
});
