import { expect, it } from "vitest";
import { unknownTarget } from "../../../src/cli/channel/unknown-target.ts";

it.each([
  ["names the nearest", "sensr", ["sensor", "desk"], "There is no job or instance sensr. Did you mean sensor?"],
  ["lists those that are there", "x", ["sensor"], "There is no job or instance x. There is sensor."],
  ["says that nothing is there", "x", [], "There is no job or instance x. Nothing is there that could be meant."],
  [
    "knows the id of a run",
    "r0mwq6rsuol1z30pt",
    ["r0mwq6rsuol1z30pt-000000"],
    "There is no job or instance r0mwq6rsuol1z30pt. A run is no target; its jobs are: emufarm get r0mwq6rsuol1z30pt",
  ],
])("a target that nobody has: %s", (_what, name, known, message) => {
  expect(unknownTarget(name, known).message).toBe(message);
});

it("is looked for by its name alone, wherever it was looked for", () => {
  const { message } = unknownTarget("emu/sensr", ["emu/sensor"], { where: "namespace lab" });
  expect(message).toBe("There is no job or instance emu/sensr in namespace lab. Did you mean emu/sensor?");
});
