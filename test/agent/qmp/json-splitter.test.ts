import fc from "fast-check";
import { expect, test } from "vitest";
import { type JsonPiece, JsonSplitter } from "../../../src/agent/qmp/json-splitter.ts";

const LIMITS = { maxBytes: 10_000, maxDepth: 20 };

/** Pieces of a stream that comes in these chunks. */
function splitAll(chunks: readonly Buffer[], limits = LIMITS): JsonPiece[] {
  const splitter = new JsonSplitter(limits);
  return chunks.flatMap((chunk) => splitter.split(chunk));
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let start = 0;
  for (const size of sizes) {
    chunks.push(bytes.subarray(start, start + size));
    start += size;
  }
  return [...chunks, bytes.subarray(start)];
}

const value = fc.oneof(
  fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue({ maxDepth: 5 })),
  fc.array(fc.jsonValue({ maxDepth: 5 })),
);
const chunkSizes = fc.array(fc.nat({ max: 40 }), { maxLength: 60 });
const space = fc.stringMatching(/^[ \t\r\n]{0,4}$/);

test("values come out as they went in, whatever the chunks and the space between them are", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(value, space), { maxLength: 8 }), chunkSizes, (values, sizes) => {
      const bytes = Buffer.from(values.map(([one, after]) => JSON.stringify(one) + after).join(""));
      const pieces = splitAll(cut(bytes, sizes), { maxBytes: 1_000_000, maxDepth: 20 });
      expect(pieces.map((piece) => "text" in piece && JSON.parse(piece.text))).toEqual(
        values.map(([one]) => JSON.parse(JSON.stringify(one))),
      );
    }),
  );
});

test("after a line of garbage the next line is read as if nothing had been", () => {
  const garbage = fc.uint8Array({ maxLength: 60 }).map((bytes) => {
    // Neither the end of the line, nor what might begin a value before it.
    const line = Buffer.from(bytes).map((byte) => (byte === 0x0a || byte === 0x7b || byte === 0x5b ? 0x2e : byte));
    return Buffer.concat([Buffer.from("x"), line, Buffer.from("\n")]);
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(garbage, value), { maxLength: 8 }), chunkSizes, (pairs, sizes) => {
      const bytes = Buffer.concat(pairs.flatMap(([junk, one]) => [junk, Buffer.from(`${JSON.stringify(one)}\n`)]));
      const pieces = splitAll(cut(bytes, sizes), { maxBytes: 1_000_000, maxDepth: 20 });
      expect(pieces).toEqual(pairs.flatMap(([, one]) => [{ problem: "malformed" }, { text: JSON.stringify(one) }]));
    }),
  );
});

test("no bytes make it throw, or hold more than its limit", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (chunks) => {
      for (const piece of splitAll(chunks.map((chunk) => Buffer.from(chunk)))) {
        if ("text" in piece) expect(Buffer.byteLength(piece.text)).toBeLessThanOrEqual(LIMITS.maxBytes + 300);
      }
    }),
  );
});

test.each([
  ["half an object waits for its other half", ['{"execute":', '"stop"}'], [{ text: '{"execute":"stop"}' }]],
  ["an object may go over lines", ['{\n"a":\n1\n}\n'], [{ text: '{\n"a":\n1\n}' }]],
  ["brackets in a text count for nothing", ['{"a":"}]{\\"}"}'], [{ text: '{"a":"}]{\\"}"}' }]],
  [
    "what nests too deeply is given up with its line",
    [`${"[".repeat(1_000)}\n{}`],
    [{ problem: "tooDeep" }, { text: "{}" }],
  ],
  [
    "what is no UTF-8 is told",
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d, 0x7b, 0x7d])],
    [{ problem: "badUtf8" }, { text: "{}" }],
  ],
  ["a bracket too many is garbage", ["{}}\n{}"], [{ text: "{}" }, { problem: "malformed" }, { text: "{}" }]],
])("%s", (_, chunks, pieces) => {
  expect(splitAll(chunks.map((chunk) => Buffer.from(chunk)))).toEqual(pieces);
});

test("ten megabytes without an end are given up at the limit", () => {
  const splitter = new JsonSplitter(LIMITS);
  const pieces = Array.from({ length: 160 }, (_, at) =>
    splitter.split(Buffer.from(`${at === 0 ? '{"a":"' : ""}${"x".repeat(65_536)}`)),
  ).flat();
  expect(pieces).toEqual([{ problem: "tooLarge" }]);
});
