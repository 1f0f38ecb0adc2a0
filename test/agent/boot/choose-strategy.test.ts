import { expect, test } from "vitest";
import type { BootRequest } from "../../../src/agent/boot/boot.ts";
import { chooseStrategy } from "../../../src/agent/boot/choose-strategy.ts";
import type { BoardEmulator } from "../../../src/agent/emulator/emulators.ts";

type Info = { version: string; farmRevision?: number };

function choose(strategy: string, proven: readonly string[], info: Info, rest: object = {}) {
  const board = {
    boot: { proven, unproven: {} },
    firmware: { load: "kernel", loadByFormat: {} },
    ready: { uart: "uart0", pattern: "up" },
    ...rest,
  };
  const firmware = { format: "elf", identity: "1" };
  const request = {
    strategy,
    board,
    boardName: "some-board",
    network: "none",
    firmware,
    ...rest,
  } as unknown as BootRequest;
  return () => chooseStrategy(request, { info } as unknown as BoardEmulator);
}

test.each([
  ["clock: guest", { needsGuestTime: true }],
  ["uart: semihosting", { needsSemihosting: true }],
])("%s takes the farm's own QEMU, however the guest is started", (what, needs) => {
  for (const strategy of ["spawn", "auto"]) {
    const stock = choose(strategy, [], { version: "10.0.2" }, needs);
    expect(stock).toThrow(
      expect.objectContaining({ code: "NotSupportedHere", message: expect.stringContaining(what) }),
    );
    expect(choose(strategy, [], { version: "10.0.13", farmRevision: 1 }, needs)()).toBe("spawn");
  }
});

test.each([
  ["recycle", "it takes the farm's own QEMU, which npm run qemu builds"],
  ["snapshot", "it takes QEMU 8.2 or later, and this is 7.2.22"],
  ["template", "it takes QEMU 8.2 or later, and this is 7.2.22"],
])("%s, where this machine lacks what it takes, is not said of the board", (strategy, problem) => {
  expect(choose(strategy, [strategy], { version: "7.2.22" })).toThrow(
    expect.objectContaining({
      code: "NotSupportedHere",
      message: `strategy: ${strategy} for board some-board cannot be had on this machine: ${problem}.`,
    }),
  );
  expect(choose("auto", [strategy], { version: "7.2.22" })()).toBe("spawn");
});

test.each([
  [["spare", "recycle", "snapshot", "template"], { version: "10.0.2" }, "template", "spare"],
  [["spare", "recycle", "snapshot", "template"], { version: "10.0.13", farmRevision: 1 }, "recycle", "recycle"],
  [["snapshot", "template"], { version: "10.0.2" }, "template", "spawn"],
])("of %j on %j, auto is %s and live is %s: no state of an earlier boot", (proven, info, auto, live) => {
  expect(choose("auto", proven, info)()).toBe(auto);
  expect(choose("live", proven, info)()).toBe(live);
});

test("what the board is not proven for is said of the board, whatever the machine has", () => {
  const info = { version: "7.2.22" };
  expect(choose("recycle", [], info)).toThrow(expect.objectContaining({ code: "NotSupportedByBoard" }));
});

test.each([
  ["a display that is not looked at", { display: { device: "VGA" } }, "recycle"],
  ["a display of the machine's own", { hasDisplay: true, display: {} }, "recycle"],
  ["a display of a device that comes with it", { hasDisplay: true, display: { device: "VGA" } }, "spawn"],
  ["no display, whoever looks", { hasDisplay: true }, "recycle"],
])("with %s, live is as the board is proven for", (_, rest, strategy) => {
  expect(choose("live", ["spare", "recycle"], { version: "10.0.13", farmRevision: 1 }, rest)()).toBe(strategy);
});

test("a display that is looked at is there from the emulator's start: no spare has it", () => {
  expect(choose("live", ["spare"], { version: "10.0.2" }, { hasDisplay: true, display: {} })()).toBe("spawn");
});
