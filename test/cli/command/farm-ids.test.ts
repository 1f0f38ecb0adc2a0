import { expect, it } from "vitest";
import { isJobNamed, runNamed } from "../../../src/cli/command/farm-ids.ts";

const RUN = "r0mwq6rsuol1z30pt";
const JOB = `${RUN}-000000`;

it("ids are told apart", () => {
  expect(runNamed(RUN, "junit")).toBe(RUN);
  expect([isJobNamed(JOB, "cancel"), isJobNamed(RUN, "cancel")]).toEqual([true, false]);
});

it.each([
  [() => runNamed(JOB, "junit"), `junit is for runs, and ${JOB} is a job; its run is ${RUN}`],
  [
    () => runNamed("sensor-01", "junit"),
    "junit is for runs, and sensor-01 is no id of one (emufarm get runs lists them)",
  ],
  [() => isJobNamed("sensor-01", "cancel"), "an instance is ended by emufarm delete"],
])("another kind of word is refused before anybody is asked", (name, words) => {
  expect(name).toThrow(words);
});
