import fc from "fast-check";
import { RE2JS } from "re2js";
import { describe, expect, test } from "vitest";
import { compilePattern, type PatternSource } from "../../src/pattern/pattern.ts";
import { createPatternSet } from "../../src/pattern/pattern-scanner.ts";
import type { PatternMatch } from "../../src/pattern/stream-scanner.ts";

const SOURCES: PatternSource[] = [
  { text: "OK" },
  { text: "é€" },
  { regex: "[0-9]+" },
  { regex: "a.*b" },
  { regex: "^ab?c$" },
  { regex: "\\bx\\b" },
  { regex: "(?s)a.c" },
  { regex: "(?i)error: \\w+" },
  { regex: "[^\\x00-\\x7f]é" },
  { regex: "b$" },
  // A quotation that is not ended goes on to the end.
  { regex: "a?\\Qb" },
];

/** Bytes that hit the patterns often: their own characters, UTF-8 in pieces, and anything. */
const stream = fc
  .array(
    fc.oneof(
      fc
        .constantFrom("OK", "é", "€", "a", "b", "c", "x", " ", "\n", "\r\n", "7", "error: no", "ERROR: x")
        .map((text) => Buffer.from(text)),
      fc.uint8Array({ minLength: 1, maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
    ),
    { maxLength: 30 },
  )
  .map((parts) => Buffer.concat(parts));

function scan(sources: readonly PatternSource[], bytes: Buffer, cuts: readonly number[]): string[] {
  const scanner = createPatternSet(sources.map(compilePattern)).createScanner();
  const matches: PatternMatch[] = [];
  const ends = [...new Set([...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  let start = 0;
  for (const end of ends) {
    matches.push(...scanner.feed(bytes.subarray(start, end)));
    start = end;
  }
  matches.push(...scanner.finish());
  return matches.map(({ index, end }) => `${index}@${end}`).sort();
}

describe("A pattern scanner", () => {
  test("finds the same matches in any chunks as in the whole", () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(200)), (bytes, cuts) => {
        expect(scan(SOURCES, bytes, cuts)).toEqual(scan(SOURCES, bytes, []));
      }),
      { numRuns: 300 },
    );
  });

  test("finds a match exactly where RE2 finds one in the whole text", () => {
    fc.assert(
      fc.property(stream, fc.constantFrom(...SOURCES), (bytes, source) => {
        const { expression } = compilePattern(source);
        const hasMatch = RE2JS.compile(expression, RE2JS.MULTILINE).matcher(bytes).find();
        expect(scan([source], bytes, []).length > 0).toBe(hasMatch);
      }),
      { numRuns: 300 },
    );
  });

  test("finds many patterns together as it finds each alone", () => {
    fc.assert(
      fc.property(stream, (bytes) => {
        const alone = SOURCES.flatMap((source, index) =>
          scan([source], bytes, []).map((one) => one.replace(/^0/, `${index}`)),
        );
        expect(scan(SOURCES, bytes, [])).toEqual(alone.sort());
      }),
      { numRuns: 200 },
    );
  });

  test.each<[string, PatternSource, string[], number]>([
    ["a text at its last byte", { text: "login:" }, ["log", "in: "], 6],
    ["a prompt without a line's end, at once", { regex: "\\w+> $" }, ["abc> ", "\n"], 5],
    ["as early as it can", { regex: "temp [0-9]+" }, ["temp 21"], 6],
    ["a character that comes in two chunks", { text: "é" }, ["\xc3", "\xa9"], 2],
    ["the end of a line once it has come", { regex: "^OK$" }, ["no\nOK", "\n"], 5],
    ["binary around it", { text: "OK" }, ["\x00\xff\xfeOK\x80"], 5],
    ["a match over more than 1 MiB", { regex: "(?s)begin.*end" }, ["begin", "x".repeat(1_100_000), "end"], 1_100_008],
  ])("finds %s", (_title, source, chunks, end) => {
    const scanner = createPatternSet([compilePattern(source)]).createScanner();
    const matches = chunks.flatMap((chunk) => scanner.feed(Buffer.from(chunk, "latin1")));
    expect(matches.map((match) => match.end)).toEqual([end]);
  });

  test("looks at the byte before its start for the beginning of a line", () => {
    const set = createPatternSet([compilePattern({ regex: "^ok" })]);
    expect(set.createScanner("x".charCodeAt(0)).feed(Buffer.from("ok"))).toEqual([]);
    expect(set.createScanner("\n".charCodeAt(0)).feed(Buffer.from("ok"))).toHaveLength(1);
  });

  test("goes through a line of 10 MB with a catastrophic pattern in linear time", () => {
    const scanner = createPatternSet([compilePattern({ regex: "(\\w+\\s?)+!$" })]).createScanner();
    const chunk = Buffer.from("word ".repeat(13_108));
    for (let read = 0; read < 10_000_000; read += chunk.length) expect(scanner.feed(chunk)).toEqual([]);
    expect(scanner.feed(Buffer.from("end!\n"))).toHaveLength(1);
  });

  test("refuses to go on with patterns that keep too many possibilities open", () => {
    const scanner = createPatternSet([compilePattern({ regex: "[ab]*a[ab]{900}c" })]).createScanner();
    let seed = 1;
    const bytes = Buffer.from(
      Array.from({ length: 200_000 }, () => {
        seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
        return seed & 0x10000 ? 0x61 : 0x62;
      }),
    );
    expect(() => scanner.feed(bytes)).toThrow(expect.objectContaining({ code: "InvalidPattern" }));
  });
});
