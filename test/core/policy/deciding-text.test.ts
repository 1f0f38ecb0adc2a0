import { expect, test } from "vitest";
import { type DecidingText, decidingText } from "../../../src/core/policy/deciding-text.ts";
import { type ScenarioInput, scenario } from "../../../src/core/schema/scenario.ts";

const uarts = ["uart0", "uart1"].map((name, index) => ({ name, index }));
const board = { uarts, semihosting: true } as unknown as Parameters<typeof decidingText>[0]["board"];

interface Case {
  readonly about: string;
  readonly expectText?: string;
  readonly steps?: ScenarioInput["steps"];
  readonly more?: Partial<ScenarioInput>;
  readonly deciding: DecidingText | undefined;
}

const CASES: readonly Case[] = [
  { about: "an expected text, wherever it comes", expectText: "ok", deciding: { text: "ok" } },
  {
    about: "an expected text, whatever would fail the test before it",
    expectText: "ok",
    more: { fail: ["panic"] },
    deciding: { text: "ok" },
  },
  { about: "the one wait, for the console", steps: [{ "wait-serial": "> " }], deciding: { text: "> ", uart: "uart0" } },
  {
    about: "the one wait, for the UART that it names",
    steps: [{ "wait-serial": { text: "ok", uart: "semihosting" } }],
    deciding: { text: "ok", uart: "semihosting" },
  },
  { about: "nothing: the guest's end does", deciding: undefined },
  { about: "nothing: a pattern does", steps: [{ "wait-serial": { regex: "o+k" } }], deciding: undefined },
  { about: "nothing: several texts do", steps: [{ "wait-serial": { all: ["a", "b"] } }], deciding: undefined },
  {
    about: "nothing: the test goes on after the text",
    steps: [{ "wait-serial": "> " }, { "write-serial": "exit 0\n" }],
    deciding: undefined,
  },
  {
    about: "nothing: there is a step beside the text",
    expectText: "ok",
    steps: [{ delay: "1ms" }],
    deciding: undefined,
  },
  { about: "nothing: the one step is no wait", steps: [{ "expect-exit": 0 }], deciding: undefined },
  {
    about: "nothing: test cases count as well",
    expectText: "ok",
    more: { monitors: [{ type: "unity" }] },
    deciding: undefined,
  },
  { about: "nothing: half a character cannot come", expectText: "\ud83d", deciding: undefined },
];

test.each(CASES)("what decides a test is $about", ({ expectText, steps, more, deciding }) => {
  const hasScenario = steps !== undefined || more !== undefined;
  const parsed = hasScenario ? scenario.parse({ version: 1, steps, ...more }) : undefined;
  expect(decidingText({ board, scenario: parsed, expectText })).toEqual(deciding);
});
