import fc from "fast-check";
import { expect, test } from "vitest";
import { readUartRequest } from "../../../src/core/wire/uart-message.ts";

const TYPES = ["takePen", "break"] as const;

test.each(TYPES)("a text message that asks for %s comes back as it was sent", (type) => {
  expect(readUartRequest(JSON.stringify({ type }))).toEqual({ type });
});

test("any other text asks for nothing", () => {
  const known = fc.record({ type: fc.constantFrom(...TYPES) });
  const more = fc.tuple(known, fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue(), { minKeys: 1 }));
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    more.map(([request, fields]) => JSON.stringify({ ...fields, ...request, and: 1 })),
  );
  fc.assert(
    fc.property(text, (message) => {
      expect(readUartRequest(message)).toBeUndefined();
    }),
  );
});
