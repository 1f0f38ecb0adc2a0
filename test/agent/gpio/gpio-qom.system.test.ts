import { join } from "node:path";
import { expect, test } from "vitest";
import { GpioBank } from "../../../src/agent/gpio/gpio-bank.ts";
import { type BoardSpec, boardSpec } from "../../../src/core/schema/board.ts";
import { buildFirmware } from "../../firmware/build.ts";
import { createBootLab } from "../boot/boot-lab.ts";

/** An Aspeed, as somebody would write it who has one; the firmware makes line A1 follow A0. */
function aspeed(property = "gpioA"): BoardSpec {
  return boardSpec.parse({
    title: "Aspeed AST1030",
    architecture: "arm",
    emulator: { binary: "qemu-system-arm", minVersion: "7.1", machine: "ast1030-evb" },
    memory: { ramMiB: 1, isFixed: true },
    uarts: [{ name: "uart5", index: 0 }],
    firmware: { formats: ["elf"], load: "kernel" },
    endings: ["none"],
    gpio: {
      driver: "qom",
      ports: [{ name: "a", prefix: "A", lines: 8, device: "/machine/soc/gpio", property }],
      lines: [{ number: 0, name: "BUTTON", idle: 1 }],
    },
  });
}

async function bootAspeed(lab: Awaited<ReturnType<typeof createBootLab>>, spec: BoardSpec) {
  const bank = new GpioBank({ boardName: "ast1030-evb", gpio: spec.gpio, isWanted: true });
  const image = join(await buildFirmware(), "ast1030-evb", "aspeed-pins.elf");
  const boardName = "ast1030-evb";
  const { boot } = await lab.start(spec, { boardName, firmware: { format: "elf", image }, gpio: bank });
  return { bank, boot };
}

test("levels are asked for and set as properties of a device; what is driven holds over a reset", async () => {
  await using lab = await createBootLab();
  const { bank, boot } = await bootAspeed(lab, aspeed());
  await boot.running;
  expect(bank.abilities).toEqual({
    observes: "levels",
    drives: true,
    raisesInterrupts: false,
    timestamps: false,
    ports: "all",
  });
  const answers = (level: number) => expect.poll(() => bank.read("A1"), { interval: 5 }).toBe(level);
  // The board's own resistor.
  await answers(1);
  for (const level of [0, 1, 0, 1] as const) {
    await bank.drive("button", level);
    await answers(level);
  }
  await boot.reset();
  await answers(1);
  bank.end();
});

test("a property that the device does not have is told in words", async () => {
  await using lab = await createBootLab();
  const { boot } = await bootAspeed(lab, aspeed("gpioZZ"));
  await expect(boot.running).rejects.toThrow(
    "The pins of board ast1030-evb cannot be reached: /machine/soc/gpio has no property gpioZZ0, which the manifest has as A0.",
  );
});
