import { describe, expect, test } from "vitest";
import { FarmError } from "../../src/core/error/farm-error.ts";
import { compilePattern, describePattern } from "../../src/pattern/pattern.ts";

describe("A pattern", () => {
  test.each([
    ["a back-reference", "(a)\\1", /invalid escape sequence/],
    ["a look-ahead", "a(?=b)", /invalid or unsupported Perl syntax/],
    ["a negative look-ahead", "a(?!b)", /invalid or unsupported Perl syntax/],
    ["a look-behind", "(?<=a)b", /invalid/],
    ["broken syntax", "a[", /missing closing \]/],
    ["nested repetitions that multiply", "((a{100}){100}){100}", /repeat count|instructions/],
    ["a repetition that is too large", "(\\w{500}x){20}", /repeat count|instructions/],
    ["the empty text", "a*", /matches the empty text/],
  ])("is refused for %s", (_title, regex, problem) => {
    const error = captured(() => compilePattern({ regex }));
    expect(error).toMatchObject({ code: "InvalidPattern", class: "job", details: { pattern: `/${regex}/` } });
    expect(error.message).toMatch(problem);
    // Flags of the engine's own are nothing that the reader has written.
    expect(error.message).not.toContain("(?m)");
  });

  test("may be what takes a backtracking engine for ever", () => {
    expect(compilePattern({ regex: "(\\w+\\s?)+$" }).expression).toBe("(\\w+\\s?)+$");
  });

  test("is described as a reader would write it", () => {
    expect(describePattern({ text: 'say "hi"' })).toBe('"say \\"hi\\""');
    expect(describePattern({ regex: "a+" })).toBe("/a+/");
  });
});

function captured(act: () => unknown): FarmError {
  try {
    act();
  } catch (error) {
    if (error instanceof FarmError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
