import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ERROR_CODES, ERRORS } from "../../../src/core/error/catalogue.ts";
import { FarmError } from "../../../src/core/error/farm-error.ts";

const page = readFileSync("docs/errors.md", "utf8");
const sections = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((section): [string, string] => [section.split("\n", 1)[0] ?? "", section.split(/^## /m, 1)[0] ?? ""]),
);

const source = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !file.endsWith("catalogue.ts"))
  .map((file) => readFileSync(join("src", file), "utf8"))
  .join("\n");

describe.each(ERROR_CODES)("%s", (code) => {
  test("has a section that says what happened, why, and what to do", () => {
    const words = (sections.get(code) ?? "").replace(/\s+/g, " ");
    for (const part of ["**What happened:**", "**Why:**", "**What to do:**"]) expect(words).toContain(part);
  });

  test("is raised somewhere", () => {
    expect(source).toMatch(new RegExp(`[(:=?] *\\n? *"${code}"`));
  });

  test("has a sentence that ends, and placeholders that are names", () => {
    const { sentence } = ERRORS[code];
    expect(sentence).toMatch(/[.}]$/);
    expect(sentence.replace(/\{\w+\}/g, "")).not.toMatch(/[{}]/);
  });
});

test("a sentence does not end twice, whatever a detail ends with", () => {
  const ends = ["did you mean x?", "it is so.", "and so on...", "bare"].map(
    (problems) => new FarmError("InvalidRequest", { problems }).message.split(": ")[1],
  );
  expect(ends).toEqual(["did you mean x?", "it is so.", "and so on....", "bare."]);
});

test("no section is left of a code that is gone", () => {
  expect([...sections.keys()].filter((code) => !(code in ERRORS))).toEqual([]);
});
