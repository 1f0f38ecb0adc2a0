import { describe, expect, it } from "vitest";
import { instanceNameIn } from "../../../src/cli/cluster/instance-word.ts";
import { objectsAsked } from "../../../src/cli/cluster/object-kind.ts";

function asked(words: readonly string[]) {
  const found = objectsAsked(words);
  return found && { kinds: found.kinds.map(({ kind }) => kind), names: found.names.map(nameText) };
}

const nameText = ({ kind, name }: { kind: { kind: string }; name: string }) => `${kind.kind} ${name}`;

describe("what a command line asks of a cluster", () => {
  it.each([
    [["emu"], ["EmulatorInstance"], []],
    [["emulatorinstances"], ["EmulatorInstance"], []],
    [["EmulatorInstance"], ["EmulatorInstance"], []],
    [["emulatorinstances.emufarm.dev"], ["EmulatorInstance"], []],
    [["emulatorinstances.v1alpha1.emufarm.dev"], ["EmulatorInstance"], []],
    [["brd,cbrd"], ["Board", "ClusterBoard"], []],
    [["all"], ["Board", "ClusterBoard", "EmulatorInstance", "EmulatorPool"], []],
    [["emu", "a", "b"], ["EmulatorInstance"], ["EmulatorInstance a", "EmulatorInstance b"]],
    [["emu/a", "emupool/b"], [], ["EmulatorInstance a", "EmulatorPool b"]],
  ])("is read from %j", (words, kinds, names) => {
    expect(asked(words)).toEqual({ kinds, names });
  });

  it.each([[["runs"]], [["pods"]], [["emu,pods"]], [["emu/"]], [["emu/a/b"]], [["emu/a", "b"]]])(
    "is nothing of the farm's in %j",
    (words) => {
      expect(asked(words)).toBeUndefined();
    },
  );
});

describe("whose console is meant", () => {
  const env = {};
  const job = "r0mwq6rsuol1z30pt-000000";

  it.each([
    ["an instance by its kind", "emu/a", {}, "a"],
    ["an instance by its kind in full", "emulatorinstances.emufarm.dev/a", {}, "a"],
    ["a job by its id", job, {}, undefined],
    ["a job of the farm in a cluster by its id", job, { namespace: "lab" }, undefined],
    ["an instance by its name alone where a cluster is named", "a", { context: "c" }, "a"],
    ["a job, whatever it is called, on this machine", "a", {}, undefined],
    ["no pool", "emupool/a", { context: "c" }, undefined],
  ])("is %s", (_what, word, options, name) => {
    expect(instanceNameIn(word, { env }, options)).toBe(name);
  });

  it("is an instance by its name alone where kubectl has called", () => {
    expect(instanceNameIn("a", { env: { EMUFARM_KUBECTL_PLUGIN: "1" } }, {})).toBe("a");
  });
});
