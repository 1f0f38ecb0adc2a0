import { describe, expect, it } from "vitest";
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
