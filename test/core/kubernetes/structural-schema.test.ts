import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type StructuralSchema, structuralSchema } from "../../../src/core/kubernetes/structural-schema.ts";
import { boundedRecord, keyedList, setOf, withRules } from "../../../src/core/schema/hint.ts";

const text = z.string();

describe("The structural schema of", () => {
  it.each<[string, z.ZodType, StructuralSchema]>([
    ["a text", z.string().min(1).max(9).regex(/^a$/), { type: "string", minLength: 1, maxLength: 9, pattern: "^a$" }],
    [
      "a text whose pattern is told in words",
      z.string().max(9).regex(/^a"$/, "must be an a"),
      {
        type: "string",
        maxLength: 9,
        "x-kubernetes-validations": [{ rule: 'self.matches(r"""^a"$""")', message: "must be an a" }],
      },
    ],
    [
      "a text without a greatest length, whose pattern would cost too much as a rule",
      z.string().regex(/^a$/, "must be an a"),
      { type: "string", pattern: "^a$" },
    ],
    [
      "a number or a text whose pattern is told in words",
      z.union([z.number().int(), z.string().max(4).regex(/%$/, "must be a percentage")]),
      {
        "x-kubernetes-int-or-string": true,
        maxLength: 4,
        "x-kubernetes-validations": [
          { rule: 'type(self) == int || self.matches(r"""%$""")', message: "must be a percentage" },
        ],
      },
    ],
    ["a whole number has no bounds of JavaScript's", z.number().int(), { type: "integer" }],
    [
      "a number above 0",
      z.number().positive().max(8),
      { type: "number", minimum: 0, exclusiveMinimum: true, maximum: 8 },
    ],
    ["a moment is left to the server's own check", z.iso.datetime(), { type: "string", format: "date-time" }],
    ["one constant", z.literal("v1"), { type: "string", enum: ["v1"] }],
    ["numbers to choose from", z.union([z.literal(32), z.literal(64)]), { type: "integer", enum: [32, 64] }],
    [
      "a word or a truth value",
      z.union([z.enum(["On", "Off"]), z.boolean()]),
      { enum: ["On", "Off", true, false], "x-kubernetes-preserve-unknown-fields": true },
    ],
    [
      "a number or a text",
      z.union([z.number().int().min(0), z.string().regex(/%$/)]).default(1),
      { "x-kubernetes-int-or-string": true, minimum: 0, pattern: "%$", default: 1 },
    ],
    [
      "an object: what is optional or has a default is not required",
      z.strictObject({ name: text, note: text.optional(), size: z.number().default(2) }),
      {
        type: "object",
        properties: { name: { type: "string" }, note: { type: "string" }, size: { type: "number", default: 2 } },
        required: ["name"],
      },
    ],
    [
      "an object whose default is completed by its fields'",
      z.strictObject({ inner: z.strictObject({ size: z.number().default(2) }).prefault({}) }).prefault({}),
      {
        type: "object",
        default: { inner: { size: 2 } },
        properties: {
          inner: { type: "object", default: { size: 2 }, properties: { size: { type: "number", default: 2 } } },
        },
      },
    ],
    [
      "a record of known keys",
      z.partialRecord(z.enum(["a", "b"]), text),
      { type: "object", properties: { a: { type: "string" }, b: { type: "string" } } },
    ],
    [
      "a record of any keys",
      boundedRecord(text, 5),
      { type: "object", additionalProperties: { type: "string" }, maxProperties: 5 },
    ],
    [
      "a list whose items have a name each",
      keyedList(z.strictObject({ name: text }), "name").max(3),
      {
        type: "array",
        maxItems: 3,
        items: { type: "object", properties: { name: { type: "string" } }, required: ["name"] },
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
      },
    ],
    [
      "a list of different items, with a default",
      setOf(z.enum(["x"]))
        .max(1)
        .default([]),
      {
        type: "array",
        maxItems: 1,
        default: [],
        items: { type: "string", enum: ["x"] },
        "x-kubernetes-list-type": "set",
      },
    ],
    [
      "a value with rules, described after them",
      withRules(text, { cel: "self != ''", message: "must not be empty", path: ["a", "b"] }).describe("A text."),
      {
        type: "string",
        description: "A text.",
        "x-kubernetes-validations": [{ rule: "self != ''", message: "must not be empty", fieldPath: ".a.b" }],
      },
    ],
  ])("%s", (_what, schema, expected) => {
    expect(structuralSchema(schema)).toEqual(expected);
  });

  it.each([
    ["two kinds of objects", z.union([z.strictObject({ a: text }), z.strictObject({ b: text })])],
    ["a text or a list", z.strictObject({ field: z.union([text, z.array(text)]) })],
  ])("%s is refused: the API server has no words for it", (_what, schema) => {
    expect(() => structuralSchema(schema)).toThrow(/has no structural schema/);
  });
});
