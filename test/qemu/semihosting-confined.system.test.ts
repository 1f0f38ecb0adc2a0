import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { buildFirmware } from "../firmware/build.ts";
import { describeFarmQemu, FarmMachine } from "./farm-machine.ts";
import { machines } from "./machine-table.ts";
import { useTestFirmware } from "./test-firmware.ts";

const CONFINED = "enable=on,target=native,confined=on";
const ATTACKED = machines("mps2-an385", "raspi2b", "arm-virt", "riscv64-virt", "sifive-e");
const TALKING = machines("mps2-an385", "arm-virt", "riscv32-virt");

describeFarmQemu("confined semihosting", () => {
  let attacks = "";
  const image = useTestFirmware(
    TALKING.map(({ board }) => board),
    ["console"],
  );
  beforeAll(async () => {
    attacks = await buildFirmware();
  });

  test.each(ATTACKED)("gives the guest nothing of the host: $board", async (kind) => {
    const options = {
      image: join(attacks, kind.board, "semihosting-attack.elf"),
      args: ["-semihosting-config", CONFINED],
    };
    await using machine = await FarmMachine.start(kind, options);
    const secret = join(machine.folder, "secret");
    await writeFile(secret, "a secret\n");
    await machine.execute("cont");
    // A guest that sets up its UART throws away what lies in its FIFO.
    await machine.uart.until("> ");
    const asked = [`read ${secret}`, `write ${secret}`, `remove ${secret}`, `rename ${secret} ${secret}.2`];
    for (const line of [...asked, `system touch ${secret}.3`]) {
      const from = machine.uart.length;
      machine.uart.socket?.write(`${line}\n`);
      expect(await machine.uart.until(/: .*\n/, from)).toContain(": refused\n");
    }
    expect(await readFile(secret, "latin1")).toBe("a secret\n");
    // Where its image lies on the host is not for the guest.
    const from = machine.uart.length;
    machine.uart.socket?.write("cmdline\n");
    expect(await machine.uart.until("> ", from + 2)).not.toContain(attacks);
  });

  test.each(TALKING)("brings the guest's text to the chardev, and refuses the rest: $board", async (kind) => {
    const options = {
      image: image(kind.board, "console"),
      args: ["-semihosting-config", `${CONFINED},chardev=console`],
      chardevs: ["console"],
    };
    await using machine = await FarmMachine.start(kind, options);
    await machine.execute("cont");
    expect((await machine.event("SHUTDOWN"))["exit-code"] ?? 0).toBe(0);
    expect(await machine.uart.until("no such call: refused\n")).toBe(
      "open: done\nwrite: done\nlength: done\nname: refused\nno such call: refused\n",
    );
    expect(await machine.chardevs.get("console")?.until("another\n")).toBe("a line\nanother\n");
  });

  test("drops the guest's text where there is no chardev", async () => {
    const [kind] = TALKING;
    if (kind === undefined) return;
    const options = { image: image(kind.board, "console"), args: ["-semihosting-config", CONFINED] };
    await using machine = await FarmMachine.start(kind, options);
    await machine.execute("cont");
    expect((await machine.event("SHUTDOWN"))["exit-code"] ?? 0).toBe(0);
    expect(machine.stderr).not.toContain("a line");
  });

  test("counts what was said on the chardev, as on a serial port", async () => {
    const [kind] = TALKING;
    if (kind === undefined) return;
    const args = ["-semihosting-config", `${CONFINED},chardev=console`];
    await using machine = await FarmMachine.start(kind, { args, chardevs: ["console"] });
    await machine.run(image(kind.board, "console"));
    const { serials } = await machine.recycle();
    expect(serials).toContainEqual({ label: "console", written: "a line\nanother\n".length, dropped: 0 });
  });
});
