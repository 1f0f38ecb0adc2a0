import { describe, expect, test } from "vitest";
import { type ScenarioInput, scenario } from "../../src/core/schema/scenario.ts";
import { checkPatterns } from "../../src/pattern/check-patterns.ts";

const check = (input: Omit<ScenarioInput, "version">) => () => checkPatterns(scenario.parse({ version: 1, ...input }));

describe("The patterns of a scenario", () => {
  test("are accepted where they run in linear time", () => {
    expect(
      check({
        steps: [
          { "wait-serial": { regex: "(\\w+\\s?)+$" } },
          { "wait-serial": "a(" },
          { "wait-serial": { all: ["x", { regex: "y+" }] } },
        ],
        fail: ["[", { regex: "PANIC|FATAL" }],
        monitors: [{ type: "regex", pattern: "(?P<name>\\w+) (?P<result>\\w+)", end: "^done" }, { type: "unity" }],
      }),
    ).not.toThrow();
  });

  test.each<[string, Omit<ScenarioInput, "version">]>([
    ["a step", { steps: [{ "wait-serial": { regex: "(a)\\1" } }] }],
    ["one of several in a step", { steps: [{ "wait-serial": { all: ["x", { regex: "(?=a)" }] } }] }],
    ["a fail pattern", { fail: [{ regex: "a**b(" }] }],
    ["a fail pattern that matches nothing at all", { fail: [{ regex: "x*" }] }],
    ["a monitor", { monitors: [{ type: "regex", pattern: "(?P<name>a" }] }],
    ["a monitor's end", { monitors: [{ type: "regex", pattern: "(?P<name>a)(?P<result>b)", end: "(" }] }],
    ["a monitor without its groups", { monitors: [{ type: "regex", pattern: "(?P<name>a)" }] }],
  ])("are refused in %s", (_title, input) => {
    expect(check(input)).toThrow(expect.objectContaining({ code: "InvalidPattern", class: "job" }));
  });
});
