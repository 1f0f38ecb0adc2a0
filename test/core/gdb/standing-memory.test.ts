import fc from "fast-check";
import { expect, test } from "vitest";
import { type MemoryRange, StandingMemory } from "../../../src/core/gdb/standing-memory.ts";

const FLASH = { address: 0x1000, bytes: 0x1000 };
const RAM = { address: 0x2000_0010, bytes: 100 };

/** What lies at an address, so that a wrong place is seen. */
function hexAt({ address, bytes }: MemoryRange): string {
  return Array.from({ length: bytes }, (_, at) => ((address + at) % 251).toString(16).padStart(2, "0")).join("");
}

test("what was fetched once is known in all its parts, until the CPU goes on", () => {
  const memory = new StandingMemory([FLASH, RAM]);
  expect(memory.read({ address: 0x1052, bytes: 4 })).toBeUndefined();
  const block = memory.blockAround({ address: 0x1052, bytes: 4 });
  expect(block).toEqual({ address: 0x1040, bytes: 64 });
  memory.keep({ address: 0x1040, bytes: 64 }, hexAt({ address: 0x1040, bytes: 64 }));
  expect(memory.read({ address: 0x1052, bytes: 4 })).toBe(hexAt({ address: 0x1052, bytes: 4 }));
  expect(memory.read({ address: 0x107e, bytes: 4 })).toBeUndefined();
  memory.forget();
  expect(memory.read({ address: 0x1052, bytes: 4 })).toBeUndefined();
});

test("memory that may be a device's is neither read ahead nor kept", () => {
  const memory = new StandingMemory([FLASH, RAM]);
  expect(memory.blockAround({ address: 0x4000_0000, bytes: 4 })).toBeUndefined();
  expect(memory.blockAround({ address: 0x1ffe, bytes: 4 })).toBeUndefined();
  expect(memory.blockAround({ address: 0x2000_0010, bytes: 2 })).toEqual({ address: 0x2000_0010, bytes: 48 });
  expect(memory.blockAround({ address: 0x2000_0072, bytes: 2 })).toEqual({ address: 0x2000_0040, bytes: 52 });
});

test("what the stub refuses is not kept, and what is old is asked for again", () => {
  let nowMs = 0;
  const memory = new StandingMemory([FLASH], () => nowMs);
  const block = { address: 0x1000, bytes: 64 };
  memory.keep(block, "E14");
  expect(memory.read({ address: 0x1000, bytes: 1 })).toBeUndefined();
  memory.keep(block, hexAt(block));
  nowMs = 100;
  expect(memory.read({ address: 0x1000, bytes: 1 })).toBeDefined();
  nowMs = 101;
  expect(memory.read({ address: 0x1000, bytes: 1 })).toBeUndefined();
});

test("whatever is read, in whatever order, is what lies there", () => {
  const range = fc.record({
    address: fc.integer({ min: 0xfe0, max: 0x2020 }),
    bytes: fc.integer({ min: 0, max: 600 }),
  });
  fc.assert(
    fc.property(fc.array(range, { maxLength: 40 }), (ranges) => {
      const memory = new StandingMemory([FLASH], () => 0);
      for (const one of ranges) {
        const known = memory.read(one);
        if (known !== undefined) expect(known).toBe(hexAt(one));
        const block = memory.blockAround(one);
        if (!block) continue;
        expect(block.address).toBeLessThanOrEqual(one.address);
        expect(block.address + block.bytes).toBeGreaterThanOrEqual(one.address + one.bytes);
        expect(block.address).toBeGreaterThanOrEqual(FLASH.address);
        expect(block.address + block.bytes).toBeLessThanOrEqual(FLASH.address + FLASH.bytes);
        memory.keep(block, hexAt(block));
      }
    }),
  );
});
