import { expect, test } from "vitest";
import { FarmError } from "../../../src/core/error/farm-error.ts";
import { refuseUnsupported } from "../../../src/core/policy/refuse-unsupported.ts";
import { type ScenarioInput, scenario } from "../../../src/core/schema/scenario.ts";
import { readBoards } from "../../boards/manifests.ts";

const BOARDS = new Map(readBoards().map(({ metadata, spec }) => [metadata.name, spec]));

function refusal(board: string, rest: Partial<ScenarioInput>): FarmError | undefined {
  const spec = BOARDS.get(board);
  if (!spec) throw new Error(`there is no board ${board}`);
  try {
    refuseUnsupported(scenario.parse({ version: 1, ...rest }), { name: board, spec });
    return undefined;
  } catch (error) {
    return FarmError.from(error);
  }
}

test.each([
  ["microbit", { steps: [{ "set-pin": { pin: 17, value: 0 } }, { "expect-pin": { name: "row1", value: 1 } }] }],
  ["microbit", { steps: [{ "expect-pin": { pin: "P0.13", value: 1 }, timeout: "1s" }], pins: true }],
  ["raspi3b", { steps: [{ "expect-pin": { pin: 17, value: 1 } }] }],
  ["ast1030-evb", { steps: [{ "expect-pin": { pin: "A0", value: 1 } }] }],
] satisfies [string, Partial<ScenarioInput>][])("%s can do %j", (board, scenarioOf) => {
  expect(refusal(board, scenarioOf)?.message).toBe(undefined);
});

test.each([
  [
    "mps2-an385",
    { steps: [{ "set-pin": { pin: 1, value: 1 } }] },
    "step 1 (set-pin) is not supported by board mps2-an385: none of its pins can be reached.",
    "steps.0.set-pin",
  ],
  [
    "mps2-an385",
    { pins: true },
    "pins: true is not supported by board mps2-an385: none of its pins can be reached.",
    "pins",
  ],
  [
    "microbit",
    { steps: [{ "set-pin": { name: "BUTON_A", value: 1 } }] },
    "Board microbit has no pin BUTON_A. Did you mean BUTTON_A (P0.17, 17)?",
    "steps.0.set-pin",
  ],
  [
    "microbit",
    { steps: [{ delay: "1ms" }, { "expect-pin": { pin: 99, value: 1 } }] },
    "Board microbit has no pin 99. It has 32 lines, P0.0 (0) to P0.31 (31).",
    "steps.1.expect-pin",
  ],
  [
    "raspi3b",
    { steps: [{ "set-pin": { pin: 17, value: 1 } }] },
    "step 1 (set-pin) is not supported by board raspi3b: GPIO17 (17) cannot be driven from outside: its model has no input there.",
    "steps.0.set-pin",
  ],
  [
    "ast1030-evb",
    { steps: [{ delay: "1ms" }, { "expect-pin": { pin: "A0", value: 1 }, timeout: "1s" }] },
    "step 2 (expect-pin) is not supported by board ast1030-evb: its levels can be asked for and are not told, so that none can be waited for.",
    "steps.1.expect-pin",
  ],
] satisfies [string, Partial<ScenarioInput>, string, string][])(
  "what %s cannot do is refused with place and sentence: %j",
  (board, scenarioOf, message, place) => {
    const error = refusal(board, scenarioOf);
    expect([error?.message, error?.details.place]).toEqual([message, place]);
  },
);

test.each([{}, { pin: 1, name: "x" }])("a pin step names one pin: %j", (reference) => {
  const step = { "set-pin": { ...reference, value: 1 } };
  expect(scenario.safeParse({ version: 1, steps: [step] }).error?.issues.map(({ message }) => message)).toEqual([
    "needs exactly one of pin and name",
  ]);
});
