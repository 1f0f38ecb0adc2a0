import { describe, expect, test } from "vitest";
import { decideRetry, type RetryDecision, type RetryQuestion } from "../../../src/core/policy/retry.ts";
import type { ErrorClass } from "../../../src/core/verdict.ts";

const error = (name: ErrorClass) => ({ class: name });
const earlier = (...classes: ErrorClass[]) => classes.map((name) => ({ error: error(name) }));

describe("an attempt", () => {
  const cases: [string, Partial<RetryQuestion>, RetryDecision][] = [
    ["that passed gives the verdict", { error: undefined }, "final"],
    ["that failed its test gives the verdict", { error: error("test") }, "final"],
    ["that failed its test is repeated when asked", { error: error("test"), retries: both(0, 1) }, "again"],
    ["that failed its test too often gives the verdict", failedTwice(), "final"],
    ["of a wrong request is never repeated", { error: error("job"), retries: both(10, 10) }, "final"],
    ["that the farm failed is repeated elsewhere", { error: error("infrastructure") }, "elsewhere"],
    ["that the farm failed too often is given up", lastOfFarm(), "exhausted"],
    [
      "that may not be repeated keeps the farm's own error",
      { error: error("infrastructure"), retries: both(0, 0) },
      "final",
    ],
    ["of a cancelled job is not repeated", { error: error("infrastructure"), isCancelled: true }, "final"],
    [
      "that failed as it was meant to is not repeated",
      { error: error("test"), isExpected: true, retries: both(0, 9) },
      "final",
    ],
    ["that failed its test does not use up the farm's retries", mixed(), "elsewhere"],
  ];

  test.for(cases)("%s", ([, question, decision]) => {
    const base = { error: undefined, isExpected: false, isCancelled: false, earlier: [], retries: both(2, 0) };
    expect(decideRetry({ ...base, ...question })).toBe(decision);
  });
});

function both(infrastructure: number, test: number) {
  return { infrastructure, test };
}
function failedTwice(): Partial<RetryQuestion> {
  return { error: error("test"), earlier: earlier("test"), retries: both(2, 1) };
}
function lastOfFarm(): Partial<RetryQuestion> {
  return { error: error("infrastructure"), earlier: earlier("infrastructure", "infrastructure") };
}
function mixed(): Partial<RetryQuestion> {
  return { error: error("infrastructure"), earlier: earlier("test", "test", "infrastructure") };
}
