import { expect, test } from "vitest";
import { readArmException, readCpuPlace } from "../../../src/core/symbols/cpu-registers.ts";

/** As QEMU 7.2 and 10 print them. */
const DUMPS = {
  "Cortex-M": [
    "R12=00000000 R13=203fffb8 R14=00000189 R15=0000017e\nXPSR=61000003",
    { pc: 0x17e, link: 0x189, stack: 0x203fffb8 },
  ],
  AArch64: [
    " PC=0000000040201088 X00=0000000000000000\nX29=0000000000000000 X30=00000000402010a4  SP=0000000060000000",
    { pc: 0x40201088, link: 0x402010a4, stack: 0x60000000 },
  ],
  "RISC-V 32": [
    " pc       80000046\n x0/zero  00000000 x1/ra    80000078 x2/sp    87ffffe0",
    { pc: 0x80000046, link: 0x80000078, stack: 0x87ffffe0 },
  ],
  "RISC-V 64": [
    " pc       0000000080000046\n x0/zero  0000000000000000 x1/ra    0000000080000078 x2/sp    0000000087ffffe0",
    { pc: 0x80000046, link: 0x80000078, stack: 0x87ffffe0 },
  ],
  AVR: ["PC:    000286\nSP:      08f9\n", { pc: 0x286 }],
  "x86-64": [
    "RSI=0000000000000000 RBP=0000000000000000 RSP=0000000000007000\nRIP=00000000001000f0 RFL=00000002",
    { pc: 0x1000f0, stack: 0x7000 },
  ],
  Xtensa: ["PC=d0000123\nPS=00000000", { pc: 0xd0000123 }],
} as const;

test.for(Object.entries(DUMPS))("the registers of %s say where the CPU is", ([, [dump, place]]) => {
  expect(readCpuPlace(dump)).toEqual(place);
});

test("other words say nothing", () => {
  expect(readCpuPlace("qemu: fatal: no CPU here")).toBeUndefined();
});

const IN_EXCEPTION = "R13=203fff90 R14=fffffff9 R15=00000000\nXPSR=40000003";

test("the stack of an Arm's exception says where the CPU was", () => {
  const stack = [1, 2, 3, 4, 12, 0x189, 0x17e, 0x61000000];
  expect(readArmException(IN_EXCEPTION, stack)).toEqual({ interrupted: { pc: 0x17e, link: 0x189 } });
  expect(readArmException(IN_EXCEPTION, [])).toEqual({});
});

test.each([
  ["no exception", "R13=203fff90 R14=00000189 R15=0000017e\nXPSR=61000000"],
  ["no Arm of M profile", "R13=203fff90 R14=fffffff9 R15=00000000\nPSR=400001d3"],
  ["no registers", "qemu: fatal: no CPU here"],
])("%s is none", (_, dump) => {
  expect(readArmException(dump, [1, 2, 3, 4, 12, 0x189, 0x17e, 0])).toBeUndefined();
});
