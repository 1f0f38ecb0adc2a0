import { describe, expect, test } from "vitest";
import { z } from "zod";
import { parseDocument } from "../../src/document/parse-document.ts";

const anything = z.looseObject({});
const read = (text: string) => parseDocument(text, anything, { file: "t.yaml" });
const object = (value: string, kind = "EmulatorInstance") =>
  `apiVersion: emufarm.dev/v1alpha1\nkind: ${kind}\nspec: {a: ${value}}\n`;

describe("an object that kubectl may be given as well", () => {
  test.each([
    ["On", "a boolean", "true, or "],
    ["no", "a boolean", "false, or "],
    ["Y", "a boolean", "true, or "],
    ["0755", "an octal number", ""],
    ["1_000", "a number", "1000, or "],
  ])("with %s, which kubectl reads as %s, is refused with its place", (value, what, instead) => {
    const message = `t.yaml:3:11: kubectl reads ${value} as ${what}; write ${instead}"${value}" for the text`;
    expect(() => read(object(value))).toThrow(message);
  });

  test.each(['"On"', "'no'", "true", "750", "0.5", "north", "0x10", "1e3"])("may have %s", (value) => {
    expect(read(object(value))).toMatchObject({ spec: { a: expect.anything() } });
  });
});

test("a document that is no such object reads them as texts", () => {
  expect(read("version: On\n")).toEqual({ version: "On" });
  expect(read(object("no", "Run"))).toMatchObject({ spec: { a: "no" } });
});

test("what else is wrong is told with it", () => {
  const strict = z.strictObject({ apiVersion: z.string(), kind: z.string(), spec: z.strictObject({}) });
  const reading = () => parseDocument(object("On"), strict, { file: "t.yaml" });
  expect(reading).toThrow(/t\.yaml:3:8: .*unknown key "a".*t\.yaml:3:11: kubectl reads On/s);
});
