import { describe, expect, it } from "vitest";
import { scenario } from "../../../src/core/schema/scenario.ts";

const messages = (value: unknown) => scenario.safeParse(value).error?.issues.map((issue) => issue.message) ?? [];

describe("scenario", () => {
  it("takes a simulation scenario as its users have it", () => {
    const parsed = scenario.parse({
      name: "Push button",
      version: 1,
      author: "A user",
      steps: [
        { delay: "100ms" },
        { "wait-serial": "ready" },
        { "write-serial": "go\n" },
        { "write-serial": [0x41, 10] },
        { "set-control": { "part-id": "btn1", control: "pressed", value: 1 } },
        { "expect-pin": { "part-id": "esp", pin: 4, value: 1 } },
      ],
    });
    expect(parsed.steps).toHaveLength(6);
  });

  it.each([
    [{ version: 1, steps: [{}] }, /has no action; expected one of wait-serial/],
    [{ version: 1, steps: [{ delay: "1s", reset: true }] }, /has 2 actions \(delay, reset\); expected one/],
    [
      { version: 1, steps: [{ "wait-serial": { text: "a", regex: "b" } }] },
      /exactly one of text, regex and all|Invalid input/,
    ],
    [{ version: 1, monitors: [{ type: "regex" }] }, /is required for type: regex/],
    [{ version: 2 }, /expected 1/],
  ])("refuses %j", (value, message) => {
    expect(messages(value).join("; ")).toMatch(message);
  });
});
