import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LineReader, MAX_LINE_CHARACTERS } from "../../src/pattern/line-reader.ts";

function linesOf(chunks: readonly Buffer[]): string[] {
  const lines: string[] = [];
  const reader = new LineReader((line) => lines.push(line));
  for (const chunk of chunks) reader.feed(chunk);
  reader.finish();
  return lines;
}

describe("A line reader", () => {
  test("cuts the same lines from any chunks", () => {
    const text = Buffer.from("one\r\n\x1b[32mtwo €\x1b[0m\n\nfour\xff");
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), text.length];
        const chunks = places.slice(1).map((end, index) => text.subarray(places[index], end));
        expect(linesOf(chunks)).toEqual(["one", "two €", "", "fourÿ"]);
      }),
    );
  });

  test("keeps the first part of a line of 10 MB and goes on with the next", () => {
    const piece = Buffer.alloc(65_536, "x");
    const lines = linesOf([...Array.from({ length: 160 }, () => piece), Buffer.from("\nnext\n")]);
    expect(lines.map((line) => line.length)).toEqual([MAX_LINE_CHARACTERS, 4]);
  });
});
