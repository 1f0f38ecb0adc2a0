import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { describeFarmQemu } from "./farm-machine.ts";

/** What a request to valgrind begins with, on x86-64: rotations that do nothing together (valgrind.h). */
const REQUEST = Buffer.from("48c1c70348c1c70d48c1c73d48c1c733", "hex");

describeFarmQemu("the farm's own QEMU", () => {
  test("is the same whether or not valgrind's headers are installed", async () => {
    const folder = process.env.EMUFARM_FARM_QEMU_PATH ?? "";
    const programs = await readdir(folder);
    expect(programs).toContain("qemu-system-arm");
    for (const name of programs) {
      expect([name, (await readFile(join(folder, name))).includes(REQUEST)]).toEqual([name, false]);
    }
  });
});
