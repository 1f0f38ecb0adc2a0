import fc from "fast-check";
import { expect, test } from "vitest";
import type { Level } from "../../../src/core/gpio/gpio-line.ts";
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

/** A dump as readers take it: each line's changes with their times, by its place, and the boots. */
function readDump(text: string) {
  const [header = "", body = ""] = text.split("$enddefinitions $end\n");
  const places = [...header.matchAll(/^\$var wire 1 (\S+) \S+ \$end$/gm)].map(([, identifier]) => identifier);
  const told: { timeNs: number; place: number; level: string }[] = [];
  const boots: number[] = [];
  let timeNs = -1;
  for (const line of body.split("\n")) {
    const [, kind = "", value = ""] = /^(#|b|[01x])(.*)$/s.exec(line) ?? [];
    if (kind === "#") {
      expect(Number(value)).toBeGreaterThan(timeNs);
      timeNs = Number(value);
    } else if (kind === "b") boots.push(Number.parseInt(value, 2));
    else if (kind !== "") told.push({ timeNs, place: places.indexOf(value), level: kind });
  }
  return { told, boots };
}

test("whatever a board's lines do, through however many boots, is read from the dump as it was", () => {
  const level = fc.constantFrom<Level>(0, 1);
  const scene = fc.integer({ min: 1, max: 300 }).chain((lines) =>
    fc.record({
      lines: fc.constant(lines),
      boots: fc.array(
        fc.record({
          after: fc.integer({ min: 1, max: 1_000 }),
          levels: fc.array(fc.option(level, { nil: undefined }), { minLength: lines, maxLength: lines }),
          changes: fc.array(fc.record({ after: fc.nat({ max: 5 }), place: fc.nat({ max: lines - 1 }), level })),
        }),
        { minLength: 1, maxLength: 4 },
      ),
    }),
  );
  fc.assert(
    fc.property(scene, fc.string(), ({ lines, boots }, name) => {
      const vcd = new VcdWriter(
        name,
        Array.from({ length: lines }, (_, line) => `${name}${line}`),
      );
      let text = vcd.header;
      let timeNs = 0;
      const expected: ReturnType<typeof readDump>["told"] = [];
      boots.forEach(({ after, levels, changes }, at) => {
        timeNs += after;
        text += vcd.boot(timeNs, at + 1, levels);
        expected.push(...levels.map((one, place) => ({ timeNs, place, level: String(one ?? "x") })));
        for (const change of changes) {
          timeNs += change.after;
          text += vcd.change(timeNs, change.place, change.level);
          expected.push({ timeNs, place: change.place, level: String(change.level) });
        }
      });
      expect(readDump(text)).toEqual({ told: expected, boots: boots.map((_, at) => at + 1) });
    }),
    { numRuns: 50 },
  );
});
