import { describe, expect, it } from "vitest";
import { targetNamed } from "../../../src/cli/channel/target-word.ts";

describe("whose channels are meant", () => {
  const env = {};
  const job = "r0mwq6rsuol1z30pt-000000";

  it.each([
    ["an instance by its kind", "emu/a", {}, { kind: "clusterInstance", name: "a" }],
    ["an instance by its kind in full", "emulatorinstances.emufarm.dev/a", {}, { kind: "clusterInstance", name: "a" }],
    ["a job by its id", job, {}, { kind: "job", id: job }],
    ["a job of the farm in a cluster by its id", job, { namespace: "lab" }, { kind: "job", id: job }],
    ["an instance by its name where a cluster is named", "a", { context: "c" }, { kind: "clusterInstance", name: "a" }],
    ["nothing by the name of a pool", "emupool/a", { context: "c" }, { kind: "unknown" }],
  ])("is %s", (_what, word, options, named) => {
    expect(targetNamed(word, { env }, options)).toEqual(named);
  });

  it("is an instance by its name alone where kubectl has called", () => {
    const named = targetNamed("a", { env: { EMUFARM_KUBECTL_PLUGIN: "1" } }, {});
    expect(named).toEqual({ kind: "clusterInstance", name: "a" });
  });
});
