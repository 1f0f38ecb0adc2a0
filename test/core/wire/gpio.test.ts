import fc from "fast-check";
import { expect, test } from "vitest";
import { durationMs } from "../../../src/core/schema/duration.ts";
import { gpioRequest } from "../../../src/core/wire/gpio.ts";

const line = fc.oneof(fc.integer({ min: 0, max: 999_999 }), fc.string({ minLength: 1, maxLength: 64 }));
const level = fc.constantFrom(0 as const, 1 as const);
const duration = fc.integer({ min: 1, max: 10_000 }).map((ms) => `${ms}ms`);
const request = fc.oneof(
  fc.record({ type: fc.constant("set" as const), line, level }),
  fc.record({ type: fc.constant("pulse" as const), line, level, duration }),
);

test("what is asked of pins comes back as it was sent", () => {
  fc.assert(
    fc.property(request, (asked) => {
      expect(gpioRequest.parse(JSON.parse(JSON.stringify(asked)))).toEqual(asked);
    }),
  );
});

test("a pulse of a line alone is one of 100 ms to high", () => {
  expect(gpioRequest.parse({ type: "pulse", line: "LED" })).toMatchObject({ level: 1, duration: "100ms" });
});

test("whatever else comes is refused with a place and words, or can be done", () => {
  const almost = fc.record(
    { type: fc.constantFrom("set", "pulse"), line: fc.jsonValue(), level: fc.jsonValue(), duration: fc.jsonValue() },
    { requiredKeys: ["type"] },
  );
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), almost), (value) => {
      const { success, data, error } = gpioRequest.safeParse(value);
      if (!success) {
        for (const { message } of error.issues) expect(message).toMatch(/\S/);
        return;
      }
      expect([0, 1]).toContain(data.level);
      expect(["string", "number"]).toContain(typeof data.line);
      if (data.type === "pulse") expect(durationMs(data.duration)).toBeGreaterThanOrEqual(0);
    }),
  );
});
