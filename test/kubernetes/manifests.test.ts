import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { emulatorInstance } from "../../src/core/schema/emulator-instance.ts";
import { REFUSED_AT_APPLY } from "./manifests/bad-manifests.ts";
import { manifestFiles } from "./manifests/files.ts";
import { instance } from "./manifests/manifest-builders.ts";
import { SCHEMAS } from "./manifests/schemas.ts";
import { SHOWN_AS_CONDITION } from "./manifests/shown-as-conditions.ts";

/** What an API server knows, and the schema does not: RE2 is not JavaScript's. */
const ONLY_THERE = ["a ready pattern that looks ahead"];

/** What zod says, of each branch where there are several. */
function wordsOf(issue: z.core.$ZodIssue): string[] {
  return issue.code === "invalid_union" ? issue.errors.flat().flatMap(wordsOf) : [issue.message];
}

describe("A bad manifest", () => {
  it.each(REFUSED_AT_APPLY.filter(({ before, what }) => !before && !ONLY_THERE.includes(what)))(
    "is refused by the farm's own schema as by the API server: $what",
    ({ manifest, message }) => {
      const read = SCHEMAS[manifest.kind]?.safeParse(manifest);
      const problems = (read?.error?.issues ?? []).flatMap(wordsOf);
      expect(problems).not.toEqual([]);
      const [, words] = /Invalid value: (?:"(?:[^"\\]|\\.)*": )?([a-z].*)$/.exec(message) ?? [];
      // What CEL says is what zod says; what a schema says is the server's own, as is what it says of names.
      const isRule = words !== undefined && !/ in body |not checked/.test(words) && !message.startsWith("metadata.");
      if (isRule) expect(problems).toContain(words);
    },
  );
});

describe("A manifest that is wrong beside what else there is", () => {
  it.each(SHOWN_AS_CONDITION)("is right in itself: $what", ({ manifest }) => {
    expect(SCHEMAS[manifest.kind]?.safeParse(manifest).error).toBeUndefined();
  });
});

describe("An example manifest", () => {
  it.each(manifestFiles("examples"))("is what the farm's own schema takes: $name", ({ objects }) => {
    expect(objects).not.toEqual([]);
    for (const object of objects) SCHEMAS[object.kind]?.parse(object);
  });

  it("has the shell of the examples as its firmware", () => {
    const file = manifestFiles("examples").find(({ name }) => name === "instance.yaml");
    const { spec } = emulatorInstance.parse(file?.objects[0]);
    const shell = readFileSync(join(import.meta.dirname, "../../examples/images/mps2-an385/shell.elf"));
    expect(Buffer.from(spec.firmware?.inline ?? "", "base64")).toEqual(shell);
  });
});

describe("power", () => {
  it.each([
    [true, "On"],
    [false, "Off"],
    ["On", "On"],
    ["Off", "Off"],
    [undefined, "On"],
  ])("%s, as YAML 1.1 and 1.2 read it, is %s", (written, meant) => {
    const { spec } = emulatorInstance.parse(instance(written === undefined ? {} : { power: written }));
    expect(spec.power).toBe(meant);
  });
});
