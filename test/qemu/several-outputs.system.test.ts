import { expect, test } from "vitest";
import { describeFarmQemu, exampleImage, FarmMachine } from "./farm-machine.ts";
import { machines } from "./machine-table.ts";
import { Qtest } from "./qtest.ts";

/** A machine with outputs of several devices, and how a debugger would raise and lower one of each. */
interface Wired {
  readonly board: string;
  readonly outputs: readonly { path: string; line: number; raise: string; lower: string }[];
  readonly setUp: readonly string[];
}

const WIRED: readonly Wired[] = [
  {
    // GPIO ports of an STM32: the pin's mode is output, then its bit is set and reset.
    board: "b-l475e-iot01a",
    setUp: ["writel 0x4002104c 0xff", "writel 0x48000000 0xabfff7ff", "writel 0x48000400 0xfff7ffff"],
    outputs: [
      { path: "/machine/soc/gpioa", line: 5, raise: "writel 0x48000018 0x20", lower: "writel 0x48000018 0x200000" },
      { path: "/machine/soc/gpiob", line: 9, raise: "writel 0x48000418 0x200", lower: "writel 0x48000418 0x2000000" },
    ],
  },
  {
    // A SiFive's GPIO, whose lines the chip passes on.
    board: "sifive-e",
    setUp: ["writel 0x10012008 0x20"],
    outputs: [
      {
        path: "/machine/soc",
        line: 5,
        raise: "writel 0x1001200c 0x20",
        lower: "writel 0x1001200c 0",
      },
    ],
  },
];

const PINS = { chardevs: ["pins"], args: ["-accel", "tcg", "-qtest", "chardev:pins", "-qtest-log", "none"] };

describeFarmQemu("qtest", () => {
  test.each(WIRED)(
    "tells the edges of several devices with time and path: $board",
    async ({ board, setUp, outputs }) => {
      const [kind] = machines(board);
      if (kind === undefined) return;
      await using machine = await FarmMachine.start(kind, { ...PINS, image: exampleImage(kind, "shell") });
      await machine.execute("cont");
      await machine.uart.until("> ");
      const qtest = new Qtest(machine);
      for (const { path } of outputs) {
        for (const again of [1, 2])
          expect([again, await qtest.ask(`irq_intercept_out ${path}`)]).toEqual([again, ["OK"]]);
      }
      for (const command of setUp) await qtest.ask(command);
      for (const { path, line, raise, lower } of outputs) {
        let last = 0;
        for (const [command, edge] of [
          [raise, "raise"],
          [lower, "lower"],
        ] as const) {
          const told = (await qtest.ask(command)).find((one) => one.startsWith(`IRQ ${edge} ${line} `));
          const [, , , time = "", device] = (told ?? "").split(" ");
          expect(device).toBe(path);
          expect(Number(time)).toBeGreaterThan(last);
          last = Number(time);
        }
      }
    },
  );

  test.each(machines("b-l475e-iot01a", "sifive-e", "uno"))(
    "refuses what is wrong, and the machine lives on: $board",
    async (kind) => {
      await using machine = await FarmMachine.start(kind, { ...PINS, image: exampleImage(kind, "shell") });
      const qtest = new Qtest(machine);
      for (const command of [
        ...["irq_intercept_out", "irq_intercept_out /no/such/device", "irq_intercept_out /machine"],
        ...["set_irq_in", "set_irq_in /machine x 0 1", "set_irq_in /no/device x 0 1", "readl", "readl zzz"],
        ...[
          "writel 0",
          "writel 0 zzz",
          "read 0 0",
          "read 0 0xffffffffffff",
          "write 0 4",
          "memset 0 zzz 1",
          "b64write 0 8 AAAA",
        ],
        ...["set_irq_in /machine/unattached/device[0] x 99999 1", "no such command", ""],
      ]) {
        expect([command, ...(await qtest.ask(command))]).toEqual([command, expect.stringMatching(/^FAIL /)]);
      }
      expect(await machine.status()).toBe("prelaunch");
    },
  );

  test("begins anew when the machine is recycled: no edges of the reset, and the first edge is told again", async () => {
    const [kind] = machines("b-l475e-iot01a");
    const [wired] = WIRED;
    const [output] = wired?.outputs ?? [];
    if (kind === undefined || wired === undefined || output === undefined) return;
    await using machine = await FarmMachine.start(kind, { ...PINS, image: exampleImage(kind, "shell") });
    const qtest = new Qtest(machine);
    await qtest.ask(`irq_intercept_out ${output.path}`);
    // Its clock runs on then, and times tell the guests apart.
    await machine.execute("cont");
    await machine.uart.until("> ");
    for (let round = 0; round < 3; round++) {
      const from = qtest.stream.length;
      const { "virtual-ns": start } = await machine.recycle();
      for (const command of wired.setUp) await qtest.ask(command);
      await qtest.ask(output.raise);
      const edges = qtest.stream
        .text(from)
        .split("\n")
        .filter((one) => one.startsWith("IRQ"));
      const [, edge, line, time] = edges.at(-1)?.split(" ") ?? [];
      expect([edge, line]).toEqual(["raise", String(output.line)]);
      expect(Number(time)).toBeGreaterThanOrEqual(start);
      expect(edges.filter((one) => Number(one.split(" ")[3]) < start)).toEqual([]);
    }
  });
});
