import { describe, expect, it } from "vitest";
import { checkDiagram } from "../../../src/core/diagram/check-diagram.ts";
import { FarmError } from "../../../src/core/error/farm-error.ts";
import { boardDiagram } from "../../../src/core/schema/board-diagram.ts";
import { boardGpio } from "../../../src/core/schema/board-gpio.ts";
import { type ScenarioInput, scenario } from "../../../src/core/schema/scenario.ts";

const demo = {
  name: "demo",
  spec: {
    gpio: boardGpio.parse({
      driver: "qtest",
      ports: [
        { name: "gpioa", prefix: "PA", lines: 16, device: "/machine/gpioa" },
        { name: "gpiob", prefix: "PB", first: 16, lines: 2, directions: ["out"], device: "/machine/gpiob" },
      ],
      lines: [{ number: 5, name: "LED1" }],
    }),
    diagram: boardDiagram.parse({ parts: ["wokwi-demo"], pins: { D13: "LED1", D2: "PA2", D9: "PB0" } }),
  },
};

const blinky: ScenarioInput["diagram"] = {
  parts: [
    { id: "demo", type: "wokwi-demo" },
    { id: "led", type: "wokwi-led" },
    { id: "btn", type: "wokwi-pushbutton" },
  ],
  connections: [
    ["led:A", "demo:D13"],
    ["btn:1.l", "demo:D2"],
    ["btn:2.l", "demo:GND.1"],
  ],
};

function refusal(given: Omit<ScenarioInput, "version">): { message: string; place: unknown } | undefined {
  try {
    checkDiagram(scenario.parse({ version: 1, ...given }), demo);
    return undefined;
  } catch (error) {
    const { message, details } = error as FarmError;
    expect(error).toBeInstanceOf(FarmError);
    return { message, place: details.place };
  }
}

describe("a diagram against a board", () => {
  it("is fine where its parts, pins and controls are there", () => {
    const steps: ScenarioInput["steps"] = [
      { "set-control": { "part-id": "btn", control: "pressed", value: 1 } },
      { "expect-pin": { "part-id": "led", pin: "A", value: 1 } },
      { "expect-pin": { "part-id": "demo", pin: "D13", value: 1 } },
      { "expect-pin": { "part-id": "demo", pin: 5, value: 1 } },
      { "set-pin": { "part-id": "btn", pin: "1.l", value: 0 } },
    ];
    expect(refusal({ steps, diagram: blinky })).toBeUndefined();
    expect(refusal({ steps: [{ "expect-pin": { "part-id": "board", pin: 5, value: 1 } }] })).toBeUndefined();
  });

  it.each<[string, Omit<ScenarioInput, "version">, RegExp, string]>([
    [
      "set-control without a diagram",
      { steps: [{ "set-control": { "part-id": "btn", control: "pressed", value: 1 } }] },
      /set-control.*no diagram\.json is beside the scenario/,
      "steps.0.set-control",
    ],
    [
      "a part that is not there",
      {
        diagram: blinky,
        steps: [{ delay: "1ms" }, { "set-control": { "part-id": "btn9", control: "pressed", value: 1 } }],
      },
      /There is no part of the diagram btn9/,
      "steps.1.set-control",
    ],
    [
      "a pin that is not there",
      { diagram: blinky, steps: [{ "expect-pin": { "part-id": "led", pin: "B", value: 1 } }] },
      /There is no pin B of led/,
      "steps.0.expect-pin",
    ],
    [
      "driving a pin that is on no line",
      { diagram: blinky, steps: [{ "set-pin": { "part-id": "led", pin: "C", value: 1 } }] },
      /pin C of led is on no line/,
      "steps.0.set-pin",
    ],
    [
      "a button on a line that only goes out",
      {
        diagram: {
          ...blinky,
          connections: [
            ["btn:1.l", "demo:D9"],
            ["btn:2.l", "demo:GND.1"],
          ],
        },
      },
      /line PB0 cannot be driven from outside/,
      "diagram",
    ],
    [
      "a part that is not known",
      { diagram: { parts: [...(blinky?.parts ?? []), { id: "dht", type: "wokwi-dht22" }], connections: [] } },
      /part dht \(wokwi-dht22\) is not supported by board demo/,
      "diagram.parts.3.type",
    ],
  ])("refuses %s, and says where", (_what, given, message, place) => {
    expect(refusal(given)).toEqual({ message: expect.stringMatching(message), place });
  });
});
