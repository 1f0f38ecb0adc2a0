import { describe, expect, test } from "vitest";
import { ConsoleScreen } from "../../../src/cli/console/console-screen.ts";
import type { TimestampFormat } from "../../../src/cli/console/timestamp.ts";

function screen(uarts: readonly string[], timestamps?: TimestampFormat) {
  let atMs = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
  const paint = (text: string) => text;
  const one = new ConsoleScreen({
    uarts,
    timestamps,
    paint,
    now: () => {
      atMs += 250;
      return new Date(atMs);
    },
  });
  return {
    show: (uart: string, text: string) => Buffer.from(one.show(uart, Buffer.from(text))).toString(),
    interrupt: () => one.interrupt(),
  };
}

describe("What is shown of UARTs", () => {
  test("is their bytes alone where there is one and no time is asked for", () => {
    const { show } = screen(["uart0"]);
    expect(show("uart0", "half a li") + show("uart0", "ne\r\n> ")).toBe("half a line\r\n> ");
  });

  test("says on each line where it is from; a line that another one cuts short goes on as a new one", () => {
    const { show, interrupt } = screen(["uart0", "aux"]);
    const shown = [show("uart0", "one\ntw"), show("uart0", "o"), show("aux", "else\n"), show("uart0", " and so on")];
    expect(shown.join("")).toBe("uart0 | one\nuart0 | two\r\naux   | else\nuart0 |  and so on");
    expect(interrupt()).toBe("\r\n");
    expect(interrupt()).toBe("");
    expect(show("uart0", "again")).toBe("uart0 | again");
  });

  test.each<[TimestampFormat, string]>([
    ["iso", "[2026-01-02T03:04:05.256Z] a\n[2026-01-02T03:04:05.506Z] b"],
    ["elapsed", "[    0.000] a\n[    0.250] b"],
    ["delta", "[    0.000] a\n[    0.250] b"],
  ])("begins each line with its time as %s", (format, expected) => {
    expect(screen(["uart0"], format).show("uart0", "a\nb")).toBe(expected);
  });

  test("tells the time of day as the machine has it", () => {
    expect(screen(["uart0"], "time").show("uart0", "a")).toMatch(/^\[\d\d:\d\d:05\.256\] a$/);
  });
});
