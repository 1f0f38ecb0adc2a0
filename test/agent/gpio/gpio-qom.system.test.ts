import { expect, test } from "vitest";
import { boardOf, PinLab } from "./pin-lab.ts";

test("a property that the device does not have is told in words", async () => {
  const spec = boardOf("ast1030-evb");
  if (!spec.gpio) throw new Error("no pins");
  const ports = spec.gpio.ports.map((port) => ({ ...port, property: "gpioZZ" }));
  await using lab = await PinLab.open({ board: "ast1030-evb", spec: { ...spec, gpio: { ...spec.gpio, ports } } });
  await expect(lab.boot()).rejects.toThrow(
    "The pins of board board cannot be reached: /machine/soc/gpio has no property gpioZZ0, which the manifest has as A0.",
  );
});
