import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createTemporaryFolder } from "../api/store/temporary-folder.ts";
import { describeFarmQemu, FarmMachine } from "./farm-machine.ts";
import { machines } from "./machine-table.ts";

const SIZE_BYTES = 4 * 1024 * 1024;
/** What of the image is looked at in the guest's memory. */
const OFFSETS = [0, SIZE_BYTES / 2, SIZE_BYTES - 4];

/** How much of a file a process has in its memory, and how much of that is a copy of its own, in KiB; undefined: not mapped. */
function mapping(pid: number, file: string): { sizeKiB: number; copiedKiB: number } | undefined {
  const [, found] = readFileSync(`/proc/${pid}/smaps`, "utf8").split(`${file}\n`);
  if (found === undefined) return undefined;
  const kib = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(found)?.[1]);
  return { sizeKiB: kib("Size"), copiedKiB: kib("Anonymous") };
}

async function monitor(machine: FarmMachine, line: string): Promise<string> {
  return await machine.execute<string>("human-monitor-command", { "command-line": line });
}

/** Words of the guest's memory from where the image lies. */
async function loaded(machine: FarmMachine, image: string): Promise<number[]> {
  const rom = (await monitor(machine, "info roms")).split("\n").find((line) => line.includes(image)) ?? "";
  const address = Number(`0x${/addr=([0-9a-f]+)/.exec(rom)?.[1]}`);
  const words: number[] = [];
  for (const offset of OFFSETS) {
    const shown = await monitor(machine, `xp /1wx 0x${(address + offset).toString(16)}`);
    words.push(Number(shown.trim().split(" ").at(-1)));
  }
  return words;
}

describeFarmQemu("a raw image", () => {
  test.each(machines("arm-virt", "riscv64-virt", "raspi2b"))(
    "stays in its file, of which no process has a copy, and is there after a reset: $board",
    async (kind) => {
      await using folder = await createTemporaryFolder();
      const image = join(folder.path, "raw.img");
      const bytes = randomBytes(SIZE_BYTES);
      await writeFile(image, bytes);
      const words = OFFSETS.map((offset) => bytes.readUInt32LE(offset));
      await using machine = await FarmMachine.start(kind, { image });
      expect(mapping(machine.pid, image)).toEqual({ sizeKiB: SIZE_BYTES / 1024, copiedKiB: 0 });
      expect(await loaded(machine, image)).toEqual(words);
      // A file of a farm may go while a guest runs.
      await rm(image);
      await machine.execute("system_reset");
      expect(await loaded(machine, image)).toEqual(words);
      await machine.execute("__dev.emufarm_recycle");
      expect(await loaded(machine, image)).toEqual(words);
    },
  );
});
