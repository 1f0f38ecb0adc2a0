import { expect, it } from "vitest";
import { hasHardwareVirtualization } from "../../../src/core/policy/hardware-virtualization.ts";

it.each([
  ["x64", "processor\t: 0\nflags\t\t: fpu vme vmx lm\n", true],
  ["x64", "processor\t: 0\nflags\t\t: fpu svm\n", true],
  ["x64", "processor\t: 0\nflags\t\t: fpu vme lm\nvmx flags\t: none\n", false],
  ["arm64", "processor\t: 0\nFeatures\t: fp asimd\n", true],
])("on %s, %j means %s", (arch, cpuInfo, expected) => {
  expect(hasHardwareVirtualization(cpuInfo, arch)).toBe(expected);
});
