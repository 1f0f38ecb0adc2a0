import { describe, expect, it } from "vitest";
import { z } from "zod";
import { parseManifests } from "../../src/document/parse-manifests.ts";
import { yamlText } from "../../src/document/yaml-text.ts";

const pet = z.strictObject({ kind: z.literal("Pet"), spec: z.strictObject({ legs: z.number().default(4) }) });
const plant = z.strictObject({ kind: z.literal("Plant"), height: z.number() });
const schemaOf = (value: unknown) => ((value as { kind?: string }).kind === "Pet" ? pet : plant);
const read = (text: string) => parseManifests(text, schemaOf, { file: "zoo.yaml" });

describe("a file of several kinds", () => {
  it("gives each document as it was written, without the defaults of its schema", () => {
    const found = read("# the first\nkind: Pet\nspec: {}\n---\n---\nkind: Plant\nheight: 0x10\n");
    expect(found.map(({ value }) => value)).toEqual([
      { kind: "Pet", spec: {} },
      { kind: "Plant", height: 16 },
    ]);
  });

  it("is refused with what is wrong in every document, each by its own schema", () => {
    expect(() => read("kind: Pet\nspec: {lags: 4}\n---\nkind: Plant\nheight: tall\n")).toThrow(
      'zoo.yaml:2:8: spec: found unknown key "lags", expected legs; did you mean "legs"?\nzoo.yaml:5:9: height: found "tall"',
    );
  });

  it("is refused where it is no YAML", () => {
    expect(() => read("kind: [")).toThrow(/zoo\.yaml:1:8: /);
  });

  it("gives a place to what somebody else finds wrong later", () => {
    const [, second] = read("kind: Pet\nspec: {}\n---\nkind: Pet\nspec:\n  legs: 5\n");
    const problem = second?.problem([
      { path: ["spec", "legs"], message: "is odd" },
      { path: ["status", "age"], message: "is missing" },
    ]);
    expect(problem?.message).toBe(
      "Not valid: 2 problems:\nzoo.yaml:4:1: status.age: is missing\nzoo.yaml:6:9: spec.legs: is odd.",
    );
  });
});

describe("YAML that is printed", () => {
  it.each([["On"], ["0x10"], ["yes"], ["2026-11-21"], ["a: b"], [""], ["two\nlines\n"]])("gives %j back", (text) => {
    const [found] = parseManifests(yamlText({ text }), () => z.unknown(), { file: "f" });
    expect(found?.value).toEqual({ text });
  });

  it("quotes what YAML 1.1 takes for something else", () => {
    expect(yamlText({ power: "On", switch: "off" })).toBe('power: "On"\nswitch: "off"\n');
  });
});
