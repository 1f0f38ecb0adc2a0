import { expect, test } from "vitest";
import { VcdWriter } from "../../../src/core/gpio/vcd.ts";

test("a dump declares its lines, begins with what is known, and tells each change at its time", () => {
  const vcd = new VcdWriter("micro bit", ["LED_P0.1", "P0.2"]);
  const text = [vcd.header, vcd.boot(0, 1, [0, undefined]), vcd.change(10, 0, 1), vcd.change(10, 1, 0)].join("");
  expect(text.split("\n")).toEqual([
    "$version emufarm $end",
    "$timescale 1 ns $end",
    "$scope module micro_bit $end",
    "$var wire 1 ! LED_P0_1 $end",
    '$var wire 1 " P0_2 $end',
    "$var integer 32 # boot $end",
    "$upscope $end",
    "$enddefinitions $end",
    "#0",
    "$dumpvars",
    "b1 #",
    "0!",
    'x"',
    "$end",
    "#10",
    "1!",
    '0"',
    "",
  ]);
});

test("any number of lines has identifiers of its own", () => {
  const vcd = new VcdWriter(
    "board",
    Array.from({ length: 20_000 }, (_, line) => `L${line}`),
  );
  const identifiers = [...vcd.header.matchAll(/^\$var wire 1 (\S+) /gm)].map(([, identifier]) => identifier);
  expect(new Set(identifiers).size).toBe(20_000);
});
