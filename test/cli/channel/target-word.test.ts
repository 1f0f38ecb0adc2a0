import { expect, it } from "vitest";
import { targetNamed } from "../../../src/cli/channel/target-word.ts";

const job = "r0mwq6rsuol1z30pt-000000";

it.each([
  ["an instance by its name", "a", { kind: "instance", name: "a" }],
  ["an instance by its kind", "emu/a", { kind: "instance", name: "a" }],
  ["an instance by its kind in words", "instance/a", { kind: "instance", name: "a" }],
  ["an instance by its kind in full", "emulatorinstances.emufarm.dev/a", { kind: "instance", name: "a" }],
  ["a job by its id", job, { kind: "job", id: job }],
  ["nothing by the name of a pool", "emupool/a", { kind: "unknown" }],
])("a target is %s", (_what, word, named) => {
  expect(targetNamed(word)).toEqual(named);
});
