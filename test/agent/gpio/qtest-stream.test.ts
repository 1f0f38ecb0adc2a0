import fc from "fast-check";
import { expect, test } from "vitest";
import { createQtestParser } from "../../../src/agent/gpio/qtest-stream.ts";

type Said =
  | { readonly kind: "edge"; index: number; level: 0 | 1; time: number | undefined; device: string | undefined }
  | { readonly kind: "answer"; problem: string | undefined };

const edge = fc.record({
  kind: fc.constant("edge" as const),
  index: fc.nat({ max: 300 }),
  level: fc.constantFrom(0 as const, 1 as const),
});
const time = fc.option(fc.nat({ max: 2 ** 40 }), { nil: undefined });
const said: fc.Arbitrary<Said> = fc.oneof(
  fc
    .tuple(edge, time)
    .map(([one, ns]) => ({ ...one, time: ns, device: ns === undefined ? undefined : "/machine/soc/gpioa" })),
  fc.record({
    kind: fc.constant("answer" as const),
    problem: fc.constantFrom(undefined, "Unknown device", "IRQ intercept already enabled"),
  }),
);

function textOf(one: Said): string {
  if (one.kind === "answer") return one.problem === undefined ? "OK\n" : `FAIL ${one.problem}\n`;
  const place = one.time === undefined ? "" : ` ${one.time} ${one.device}`;
  return `IRQ ${one.level === 1 ? "raise" : "lower"} ${one.index}${place}\n`;
}

function parserOf(found: Said[]) {
  return createQtestParser({
    onEdge: (index, level, ns, device) => found.push({ kind: "edge", index, level, time: ns, device }),
    onAnswer: (problem) => found.push({ kind: "answer", problem }),
  });
}

test("edges and answers are told in order, whatever the chunks", () => {
  fc.assert(
    fc.property(fc.array(said), fc.array(fc.nat()), (all, cuts) => {
      const found: Said[] = [];
      const parse = parserOf(found);
      const text = all.map(textOf).join("");
      const places = [...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length];
      let from = 0;
      for (const to of places) {
        expect(parse(Buffer.from(text.slice(from, to)))).toBe(true);
        from = to;
      }
      expect(found).toEqual(all);
    }),
  );
});

test.each(["hello\n", "IRQ jump 1\n", "IRQ raise x\n", "x".repeat(5_000)])("%j is no qtest", (text) => {
  expect(parserOf([])(Buffer.from(text))).toBe(false);
});
