import { expect, test, vi } from "vitest";
import { createSlotPool } from "../../../src/agent/guest/slot-pool.ts";
import type { Slot } from "../../../src/agent/slot/slot.ts";

const slots = [{}, {}] as Slot[];

test("a cordoned agent gives out no slot, until that is lifted", () => {
  const onChange = vi.fn();
  const pool = createSlotPool(slots, onChange);
  const slot = pool.take();
  onChange.mockClear();
  pool.cordon(60_000);
  pool.cordon(60_000);
  expect(onChange).toHaveBeenCalledTimes(1);
  expect(pool).toMatchObject({ freeSlots: 0, isDraining: true, isEnding: false });
  expect(() => pool.take()).toThrow("draining");
  pool.release(slot);
  pool.cordon(0);
  expect(pool).toMatchObject({ freeSlots: 2, isDraining: false });
  pool.take();
});

test("a cordon that nobody renews ends by itself; draining does not", async () => {
  vi.useFakeTimers();
  try {
    const pool = createSlotPool(slots, () => {});
    pool.cordon(1_000);
    vi.advanceTimersByTime(900);
    pool.cordon(1_000);
    vi.advanceTimersByTime(900);
    expect(pool.isDraining).toBe(true);
    vi.advanceTimersByTime(200);
    expect(pool.isDraining).toBe(false);
    pool.drain();
    pool.cordon(0);
    expect(pool).toMatchObject({ isDraining: true, isEnding: true });
  } finally {
    vi.useRealTimers();
  }
});
