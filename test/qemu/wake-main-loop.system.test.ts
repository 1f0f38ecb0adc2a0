import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createTemporaryFolder } from "../api/store/temporary-folder.ts";
import { describeFarmQemu, FarmMachine } from "./farm-machine.ts";
import { machines } from "./machine-table.ts";
import { useTestFirmware } from "./test-firmware.ts";

const FUSES_BYTES = 16 * 1024;
const SAID_BYTES = 5_000;

describeFarmQemu("a guest whose fuses are on a drive", () => {
  const image = useTestFirmware(["sifive-u"], ["fuse-talk"]);

  test.each(machines("sifive-u"))("goes on talking while it reads them, however often: $board", async (kind) => {
    await using folder = await createTemporaryFolder();
    const fuses = join(folder.path, "fuses.bin");
    await writeFile(fuses, Buffer.alloc(FUSES_BYTES, 0xff));
    const args = ["-drive", `if=pflash,unit=0,file=${fuses},format=raw`];
    await using machine = await FarmMachine.start(kind, { image: image("sifive-u", "fuse-talk"), args });
    await machine.execute("cont");
    expect(await machine.uart.until("done\n")).toHaveLength(SAID_BYTES + "done\n".length);
  });
});
