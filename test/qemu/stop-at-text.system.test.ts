import { expect, test } from "vitest";
import { describeFarmQemu, exampleImage, FarmMachine, type RecycleInfo } from "./farm-machine.ts";
import { machines } from "./machine-table.ts";
import { useTestFirmware } from "./test-firmware.ts";

const KINDS = machines("mps2-an385", "raspi2b", "arm-virt", "riscv64-virt", "uno");

async function stopAt(machine: FarmMachine, text: string, chardev?: string): Promise<void> {
  await machine.execute("__dev.emufarm_stop-at-text", { text, ...(chardev !== undefined && { chardev }) });
}

/** What a guest that stands still has said in all; its machine is recycled. */
async function said(machine: FarmMachine): Promise<string> {
  const { serials } = await machine.execute<RecycleInfo>("__dev.emufarm_recycle");
  await machine.uart.untilLength(serials.find(({ label }) => label === "uart")?.written ?? 0);
  return machine.uart.text();
}

describeFarmQemu("a guest that is to stop at a text", () => {
  const image = useTestFirmware(["mps2-an385", "arm-virt"], ["console"]);

  test.each(KINDS)("stands still right behind it, and says so: $board", async (kind) => {
    await using machine = await FarmMachine.start(kind, { image: exampleImage(kind, "shell") });
    await stopAt(machine, "shell");
    await machine.execute("cont");
    await machine.event("STOP");
    expect(machine.events.map(({ event }) => event)).toEqual(["RESUME", "__dev.emufarm_STOPPED_AT_TEXT", "STOP"]);
    expect(await machine.event("__dev.emufarm_STOPPED_AT_TEXT")).toEqual({ chardev: "uart" });
    expect(await machine.status()).toBe("paused");
    expect(await said(machine)).toBe("emufarm shell");
  });

  test.each(KINDS)("goes on from there when it is let, and stops no more: $board", async (kind) => {
    await using machine = await FarmMachine.start(kind, { image: exampleImage(kind, "shell") });
    await stopAt(machine, "s");
    await machine.execute("cont");
    await machine.event("STOP");
    await machine.execute("cont");
    expect(await machine.uart.until("> ")).toBe(`emufarm shell on ${kind.board}\n> `);
    expect(await machine.status()).toBe("running");
  });

  test.each(machines("mps2-an385", "riscv64-virt"))(
    "is not misled by what only begins like it: $board",
    async (kind) => {
      await using machine = await FarmMachine.start(kind, { image: exampleImage(kind, "shell") });
      await machine.execute("cont");
      await machine.uart.until("> ");
      await stopAt(machine, "0010ABC");
      machine.uart.socket?.write("flood 1\n");
      await machine.event("STOP");
      const lines = (await said(machine)).split("\n").slice(1);
      expect(lines).toHaveLength(11);
      expect(lines.at(-1)).toBe("00000010ABC");
    },
  );

  test.each(machines("mps2-an385", "arm-virt"))("may say it by semihosting: $board", async (kind) => {
    await using machine = await FarmMachine.start(kind, {
      image: image(kind.board, "console"),
      args: ["-semihosting-config", "enable=on,target=native,confined=on,chardev=console"],
      chardevs: ["console"],
    });
    await stopAt(machine, "a line", "console");
    await machine.execute("cont");
    expect(await machine.event("__dev.emufarm_STOPPED_AT_TEXT")).toEqual({ chardev: "console" });
    await machine.event("STOP");
    expect(await machine.status()).toBe("paused");
  });

  test("hears of the last one only, and of none once the machine was recycled", async () => {
    const [kind] = machines("mps2-an385");
    if (kind === undefined) return;
    await using machine = await FarmMachine.start(kind, { image: exampleImage(kind, "shell") });
    await stopAt(machine, "emufarm");
    await stopAt(machine, "shell on");
    await machine.execute("cont");
    await machine.event("STOP");
    await machine.uart.until("emufarm shell on");
    await stopAt(machine, "> ");
    const { serials } = await machine.recycle();
    await machine.uart.until("> ", serials[0]?.written);
    expect(await machine.status()).toBe("running");
    expect(machine.events.map(({ event }) => event)).toEqual(["RESUME"]);
  });

  test("is refused where there is no such serial port, and without a text", async () => {
    const [kind] = machines("mps2-an385");
    if (kind === undefined) return;
    await using machine = await FarmMachine.start(kind, { image: exampleImage(kind, "shell") });
    await expect(stopAt(machine, "ok", "qmp")).rejects.toThrow(/No serial port has the chardev qmp/);
    await expect(stopAt(machine, "")).rejects.toThrow(/text is empty/);
  });
});
