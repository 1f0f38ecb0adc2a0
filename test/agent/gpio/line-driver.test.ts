import { expect, test } from "vitest";
import { connectDriver } from "../../../src/agent/gpio/connect-driver.ts";
import type { EmulatorSeat } from "../../../src/agent/gpio/emulator-seat.ts";
import { type DriverEdge, gpioAbilities } from "../../../src/agent/gpio/gpio-driver.ts";
import { GpioLines } from "../../../src/core/gpio/gpio-line.ts";
import { boardOf } from "./pin-lab.ts";

async function connect(execute: () => Promise<unknown>) {
  const { gpio } = boardOf("mps2-an386");
  if (!gpio) throw new Error("no pins");
  const told: DriverEdge[] = [];
  let say: (chunk: Buffer) => void = () => {};
  const link = await connectDriver({
    gpio,
    lines: new GpioLines("mps2-an386", gpio).all,
    wanted: [],
    abilities: gpioAbilities(gpio, { isFarmEmulator: false }),
    uart: {
      onData(listener) {
        say = listener;
        return () => {};
      },
      write: async () => {},
    },
    seat: { boardName: "mps2-an386", qmp: { execute } } as unknown as EmulatorSeat,
    onEdges: (edges) => told.push(...edges),
  });
  return { link, told, say: (text: string) => say(Buffer.from(text)) };
}

test("half a line from before a reset is no beginning of the first one after it", async () => {
  const { link, told, say } = await connect(async () => ({}));
  say("GPIO 5 1\nGPIO 7");
  await link.renew?.();
  say("GPIO 6 1\n");
  expect(told.map(({ line, level }) => [line, level])).toEqual([
    [5, 1],
    [6, 1],
  ]);
});

test("whoever asks an emulator that has gone is told so", async () => {
  const { link } = await connect(() => Promise.reject(new Error("the emulator has ended")));
  await expect(link.settle?.()).rejects.toMatchObject({ code: "PinsFailed" });
});
