import { join } from "node:path";
import { expect, test } from "vitest";
import { buildFirmware } from "../firmware/build.ts";
import { describeFarmQemu, exampleImage, FarmMachine } from "./farm-machine.ts";
import { MACHINES, machines } from "./machine-table.ts";

describeFarmQemu("input without a kick", () => {
  test.each(MACHINES)("arrives at a guest that polls, byte by byte and in one piece: $board", async (kind) => {
    await using machine = await FarmMachine.start(kind, { image: exampleImage(kind, "shell") });
    await machine.execute("cont");
    await machine.uart.until("> ");
    for (let round = 0; round < 8; round++) {
      const from = machine.uart.length;
      for (const byte of `echo ${round}`) await send(machine, byte);
      await send(machine, `\n`);
      expect(await machine.uart.until("> ", from)).toContain(`${round}\n`);
    }
    const from = machine.uart.length;
    const text = "a longer line than any FIFO holds, all of it at once";
    await send(machine, `echo ${text}\n`);
    expect(await machine.uart.until("> ", from)).toContain(`${text}\n`);
  });

  /** Bytes that come of five sent: a receiver that is always on holds one, which the guest throws away with its mode. */
  const late: [string, number][] = [
    ["mps2-an385", 5],
    ["sifive-e", 5],
    ["arm-virt", 4],
    ["riscv64-virt", 4],
  ];
  test.each(late)("arrives at a guest that lets its UART receive late: %s", async (board, count) => {
    const [kind] = machines(board);
    if (kind === undefined) return;
    const image = join(await buildFirmware(), board, "late-receive.elf");
    await using machine = await FarmMachine.start(kind, { image });
    await machine.execute("cont");
    await machine.uart.until("not listening\n");
    await send(machine, "five!");
    const counted = Array.from({ length: count }, (_, index) => `${index + 1}\n`).join("");
    expect(await machine.uart.until(`${count}\n`)).toBe(`not listening\nlistening\n${counted}`);
  });

  /** Models whose receiver is off until the guest turns it on: what comes before waits. */
  test.each(machines("netduinoplus2", "stm32vldiscovery", "b-l475e-iot01a", "microbit", "uno", "mega"))(
    "that was sent before the guest started is kept: $board",
    async (kind) => {
      await using machine = await FarmMachine.start(kind, { image: exampleImage(kind, "shell") });
      await send(machine, "echo early\n");
      await machine.execute("cont");
      expect(await machine.uart.until("early\n")).toContain("early\n");
    },
  );
});

async function send({ uart }: FarmMachine, text: string): Promise<void> {
  await new Promise((resolve) => uart.socket?.write(text, resolve));
}
