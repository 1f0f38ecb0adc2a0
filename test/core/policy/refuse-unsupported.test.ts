import { describe, expect, test } from "vitest";
import { refuseUnsupported } from "../../../src/core/policy/refuse-unsupported.ts";
import { textChannels } from "../../../src/core/policy/text-channels.ts";
import { type ScenarioInput, scenario, UNSUPPORTED_ACTIONS } from "../../../src/core/schema/scenario.ts";

const board = { name: "b", spec: { uarts: [{ name: "uart0", index: 0 }], semihosting: false } };
const refuse = (input: Omit<ScenarioInput, "version">) => () =>
  refuseUnsupported(scenario.parse({ version: 1, ...input }), board);

describe("Before start, a scenario", () => {
  test("is let through with what the board has", () => {
    expect(
      refuse({
        steps: [{ "wait-serial": { text: "a", uart: "uart0" } }, { "write-serial": "x" }, { reset: null }],
        fail: ["b", { regex: "c", uart: "uart0" }],
        monitors: [{ type: "unity" }],
      }),
    ).not.toThrow();
  });

  test.each<[string, Omit<ScenarioInput, "version">, string]>([
    ["expect-pin", { steps: [{ "expect-pin": { pin: 1, value: 1 } }] }, "step 1 (expect-pin)"],
    ["set-pin", { steps: [{ delay: "1s" }, { "set-pin": { pin: 1, value: 1 } }] }, "step 2 (set-pin)"],
    [
      "set-control",
      { steps: [{ "set-control": { "part-id": "b", control: "pressed", value: 1 } }] },
      "step 1 (set-control)",
    ],
    ["take-screenshot without a display", { steps: [{ "take-screenshot": {} }] }, "step 1 (take-screenshot)"],
    ["snapshot", { steps: [{ snapshot: "a" }] }, "step 1 (snapshot)"],
    [
      "a UART that is not there",
      { steps: [{ "write-serial": { text: "a", uart: "uart7" } }] },
      "step 1 (write-serial) on UART uart7",
    ],
    ["a fail pattern's UART", { fail: [{ regex: "c", uart: "uart7" }] }, "fail pattern 1 on UART uart7"],
    ["a monitor's UART", { monitors: [{ type: "unity", uart: "uart7" }] }, "monitor 1 on UART uart7"],
  ])("is refused for %s, never ignored", (_title, input, what) => {
    const error = expect.objectContaining({ code: "NotSupportedByBoard", details: expect.objectContaining({ what }) });
    expect(refuse(input)).toThrow(error);
  });

  test.each<[string, object, string | undefined]>([
    ["a picture", { "save-to": "./screens/a.png" }, undefined],
    ["a picture that has come along", { "compare-with": { name: "a.png", base64: "AAAA" } }, undefined],
    ["a picture that was left at home", { "compare-with": "a.png" }, "has not come with the scenario"],
    ["a part of a diagram", { "part-id": "lcd1" }, "no part lcd1 of a diagram"],
  ])("on a board with a display: %s", (_title, screenshot, problem) => {
    const steps = scenario.parse({ version: 1, steps: [{ "take-screenshot": screenshot }] });
    const act = () => refuseUnsupported(steps, { name: "b", spec: { ...board.spec, display: {} } });
    if (problem === undefined) expect(act).not.toThrow();
    else expect(act).toThrow(problem);
  });

  test.each(["../a.png", "/a.png", "a/../b.png", ""])("keeps no picture as %j", (name) => {
    const steps = [{ "take-screenshot": { "save-to": name } }];
    expect(scenario.safeParse({ version: 1, steps }).success).toBe(false);
  });

  test("has what a guest says by semihosting as one more UART, where the board's CPU has that", () => {
    const steps = [{ "wait-serial": { text: "a", uart: "semihosting" } }];
    const spec = { ...board.spec, semihosting: true };
    const act = (uarts = spec.uarts) =>
      refuseUnsupported(scenario.parse({ version: 1, steps }), { name: "b", spec: { ...spec, uarts } });
    expect(act).not.toThrow();
    expect(refuse({ steps })).toThrow("the board has uart0.");
    const taken = [...spec.uarts, { name: "semihosting", index: 1 }];
    expect(() => act(taken)).not.toThrow();
    expect(textChannels({ semihosting: true, uarts: taken })).toEqual(["uart0", "semihosting"]);
  });

  test("knows every action that is not supported yet", () => {
    expect(UNSUPPORTED_ACTIONS).toEqual(["snapshot"]);
  });
});
