import { describe, expect, it } from "vitest";
import { nearestName } from "../../../src/core/policy/nearest-name.ts";

const NAMES = ["mps2-an385", "mps2-an386", "microbit", "uno", "raspi3b", "riscv32-virt"];

describe("the nearest name", () => {
  it.each([
    ["mps2-an358", "mps2-an385"],
    ["microbitt", "microbit"],
    ["raspi3", "raspi3b"],
    ["virt", "riscv32-virt"],
    ["unno", "uno"],
    ["MPS2-AN385", "mps2-an385"],
  ])("to %s is %s", (name, nearest) => {
    expect(nearestName(name, NAMES)).toBe(nearest);
  });

  it("is none where nothing is near", () => {
    expect(nearestName("teapot-9000", NAMES)).toBeUndefined();
  });
});
