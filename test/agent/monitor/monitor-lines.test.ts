import fc from "fast-check";
import { expect, test } from "vitest";
import { monitorRefusal } from "../../../src/agent/monitor/hmp-allow-list.ts";
import { MonitorLines } from "../../../src/agent/monitor/monitor-lines.ts";

/** Reads text in pieces of these lengths, and the rest as one. */
function readIn(text: string, lengths: readonly number[]): { lines: string[]; isTooLong: boolean } {
  const reader = new MonitorLines();
  const bytes = Buffer.from(text, "latin1");
  let at = 0;
  const lines = [...lengths, bytes.length].flatMap((length) => {
    const piece = bytes.subarray(at, at + length);
    at += length;
    return reader.read(piece);
  });
  return { lines, isTooLong: reader.isTooLong };
}

const lengths = fc.array(fc.integer({ min: 1, max: 40 }));
/** What a person may send: characters of a byte each, without an end of a line. */
const line = fc.stringMatching(/^[\x20-\x7e]{0,40}$/);

test("lines come as they were typed, by whatever ends and in whatever pieces", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(line, fc.constantFrom("\n", "\r\n"))), lengths, (typed, pieces) => {
      const text = typed.map(([words, end]) => words + end).join("");
      expect(readIn(text, pieces)).toEqual({ lines: typed.map(([words]) => words), isTooLong: false });
    }),
  );
});

test("any bytes are read alike in whatever pieces, and what is refused is refused in words", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), lengths, (bytes, pieces) => {
      const text = Buffer.from(bytes).toString("latin1");
      const read = readIn(text, pieces);
      expect(read).toEqual(readIn(text, []));
      for (const words of read.lines) expect(monitorRefusal(words) ?? "looks").toMatch(/\S/);
    }),
  );
});

test.each([
  ["its end", "\r\n"],
  ["nothing", ""],
])("a line of 1,024 characters before %s is one, a longer one ends all, in whatever pieces", (_, end) => {
  fc.assert(
    fc.property(lengths, (pieces) => {
      const longest = "x".repeat(1_024);
      expect(readIn(longest + end, pieces)).toEqual({ lines: end === "" ? [] : [longest], isTooLong: false });
      const read = readIn(`help\n${longest}x${end}info\n`, pieces);
      expect(read).toEqual({ lines: ["help"], isTooLong: true });
    }),
  );
});
