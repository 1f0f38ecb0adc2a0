import fc from "fast-check";
import { expect, test } from "vitest";
import {
  changesBetween,
  encodeInputs,
  GpioJsonDecoder,
  type LineWords,
  withLevel,
} from "../../../src/core/gpio/gpio-json.ts";

const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const words = fc.tuple(word, word);

function messageOf([out, out1]: LineWords): string {
  return `${JSON.stringify({ event: "new_out", out, out1 })}\r\n`;
}

/** The text in pieces, cut anywhere. */
function piecesOf(text: string, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((left, right) => left - right), text.length];
  return places.slice(1).map((to, index) => Buffer.from(text.slice(places[index], to), "latin1"));
}

test("messages come out as they went in, whatever the chunks and the garbage between them", () => {
  const garbage = fc.constantFrom("", "{}\n", "GPIO 1 1\n", '{"event":"new_out","out":-1}\n', "\u0000\u00ff{\n");
  fc.assert(
    fc.property(fc.array(fc.tuple(words, garbage)), fc.array(fc.nat()), (messages, cuts) => {
      const decoder = new GpioJsonDecoder();
      const text = messages.map(([outputs, noise]) => noise + messageOf(outputs)).join("");
      const found = piecesOf(text, cuts).flatMap((piece) => decoder.decode(piece));
      expect(found).toEqual(messages.map(([outputs]) => outputs));
      expect(decoder.ignoredLines).toBe(messages.filter(([, noise]) => noise !== "").length);
    }),
  );
});

test("a line of a megabyte is one that is ignored", () => {
  const decoder = new GpioJsonDecoder();
  expect(decoder.decode(Buffer.alloc(1_000_000, "x"))).toEqual([]);
  expect(decoder.decode(Buffer.from(`\n${messageOf([1, 0])}`))).toEqual([[1, 0]]);
  expect(decoder.ignoredLines).toBe(1);
});

test("one line is driven, and no other changes", () => {
  fc.assert(
    fc.property(
      words,
      fc.integer({ min: 0, max: 63 }),
      fc.constantFrom(0 as const, 1 as const),
      (before, line, level) => {
        const after = withLevel(before, line, level);
        const changes = changesBetween(before, after);
        expect(changes.length === 0 || (changes.length === 1 && changes[0]?.line === line)).toBe(true);
        expect(changesBetween(withLevel(after, line, level === 0 ? 1 : 0), after)).toEqual([{ line, level }]);
      },
    ),
  );
});

test("inputs are told as the device takes them", () => {
  expect(encodeInputs([5, 2 ** 31])).toBe('{"cmd":"set_input","in":5,"in1":2147483648}\r\n');
});
