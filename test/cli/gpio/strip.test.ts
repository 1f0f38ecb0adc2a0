import { describe, expect, it } from "vitest";
import { Strip } from "../../../src/cli/gpio/strip.ts";

const plain = (_format: unknown, text: string) => text;
const size = { columns: 40, rows: 24 };

describe("the strip of lines", () => {
  it("draws levels, edges and what is too fast for a moment, the newest on the right", () => {
    const strip = new Strip();
    strip.add(5, "LED1", 0);
    strip.add(45, "BUTTON", undefined);
    strip.advance();
    strip.change(5, 1, 1);
    strip.advance();
    strip.advance();
    strip.change(5, 0, 1);
    strip.change(45, 1, 1);
    strip.advance();
    strip.change(5, 0, 12);
    strip.advance();
    expect(strip.draw(size, plain).split("\n")).toEqual(["LED1   ▁╱▔╲█ 0 14", "BUTTON    ▔▔ 1  1"]);
  });

  it("is as wide as the terminal, however long it runs, and says how many lines have no room", () => {
    const strip = new Strip();
    for (let line = 0; line < 30; line += 1) strip.add(line, `PA${line}`, 0);
    for (let moment = 0; moment < 5_000; moment += 1) strip.advance();
    const rows = strip.draw({ columns: 40, rows: 12 }, plain).split("\n");
    expect(rows).toHaveLength(11);
    expect(rows.at(-1)).toBe("and 20 more lines");
    expect(Math.max(...rows.map(({ length }) => length))).toBeLessThanOrEqual(40);
    expect(strip.draw({ columns: 4, rows: 2 }, plain)).toMatch(/^PA0 /);
  });

  it("leaves alone what it does not show", () => {
    const strip = new Strip();
    strip.change(1, 1, 1);
    strip.advance();
    expect(strip.draw(size, plain)).toBe("");
  });
});
