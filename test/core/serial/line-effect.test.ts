import { describe, expect, test } from "vitest";
import { type LineWiring, lineEffect } from "../../../src/core/serial/line-effect.ts";

const OFF = { dtr: false, rts: false, break: false };

/** What each change does, one after another. */
function effects(wiring: LineWiring, changes: readonly Partial<typeof OFF>[]): (string | undefined)[] {
  let lines = OFF;
  return changes.map((change) => {
    const before = lines;
    lines = { ...lines, ...change };
    return lineEffect(wiring, lines, before);
  });
}

describe("The lines of a UART", () => {
  test("reset a board when RTS lets it go, as flashing tools do it", () => {
    expect(effects({ rts: "reset" }, [{ dtr: false }, { rts: true }, { rts: false }])).toEqual([
      undefined,
      undefined,
      "reset",
    ]);
  });

  test("reset it once where DTR takes over from RTS, as esptool enters the boot loader", () => {
    const changes = [{ dtr: false }, { rts: true }, { dtr: true }, { rts: false }, { dtr: false }];
    expect(effects({ rts: "reset" }, changes)).toEqual([undefined, undefined, "reset", undefined, undefined]);
  });

  test("do nothing while a terminal opens and closes the port, which moves both", () => {
    expect(effects({ rts: "reset" }, [{ dtr: true }, { rts: true }, { rts: false, dtr: false }])).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("reset an Arduino each time DTR becomes active", () => {
    expect(effects({ dtr: "resetPulse" }, [{ dtr: true }, { rts: true }, { dtr: false }, { dtr: true }])).toEqual([
      "reset",
      undefined,
      undefined,
      "reset",
    ]);
  });

  test("carry a break to the guest, or reset the board where it is wired so", () => {
    const changes = [{ break: true }, { break: false }];
    expect(effects({}, changes)).toEqual(["break", undefined]);
    expect(effects({ break: "reset" }, changes)).toEqual(["reset", undefined]);
  });

  test("that are wired to nothing do nothing", () => {
    expect(effects({}, [{ dtr: true }, { rts: true }, { dtr: false }, { rts: false }])).toEqual(
      Array(4).fill(undefined),
    );
  });
});
