import { describe, expect, test } from "vitest";
import { z } from "zod";
import { remembered } from "../../../src/agent/http/remembered-schema.ts";

const place = z.strictObject({ name: z.string(), slots: z.number().default(1) });

describe("a remembered schema", () => {
  test("gives the same object for the same value, with the defaults in it", () => {
    const schema = remembered(place);
    const first = schema.parse({ name: "a" });
    expect(first).toEqual({ name: "a", slots: 1 });
    expect(schema.parse({ name: "a" })).toBe(first);
    expect(schema.parse({ name: "b" })).toEqual({ name: "b", slots: 1 });
  });

  test.each([
    ["a wrong value", { place: { name: 3, slots: "many" } }],
    ["a key that nobody knows", { place: { name: "a", colour: "red" } }],
    ["nothing", {}],
  ])("says of %s what the schema says, at the same place, each time", (_what, value) => {
    const plain = z.object({ place }).safeParse(value);
    const schema = z.object({ place: remembered(place) });
    for (const answer of [schema.safeParse(value), schema.safeParse(value)]) {
      expect(answer.error?.issues).toEqual(plain.error?.issues);
    }
  });
});
