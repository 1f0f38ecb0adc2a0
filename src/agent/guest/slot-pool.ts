import { FarmError } from "../../core/error/farm-error.ts";
import type { Slot } from "../slot/slot.ts";

/** The agent's slots: nobody else books or counts them. */
export interface SlotPool {
  readonly slots: number;
  readonly freeSlots: number;
  /** True when no slot is given out: for good, or for a while. */
  readonly isDraining: boolean;
  /** True when that is for good. */
  readonly isEnding: boolean;
  /**
   * Takes the free slot of the highest rank.
   * @throws {FarmError} NoFreeSlot, Draining
   */
  take(rank?: (slot: Slot) => number): Slot;
  /** The slot is empty again: no emulator runs in it. */
  release(slot: Slot): void;
  /** No slot is given out any more. */
  drain(): void;
  /** No slot is given out for so long, counted anew with each call; 0: again from now on. */
  cordon(forMs: number): void;
}

/** @param onChange called whenever the number of free slots, or draining, has changed. */
export function createSlotPool(slots: readonly Slot[], onChange: () => void): SlotPool {
  // The slot that was used last is the likeliest to be in the caches.
  const free = slots.toReversed();
  let isEnding = false;
  let cordon: NodeJS.Timeout | undefined;
  const isDraining = () => isEnding || cordon !== undefined;
  const lift = () => {
    cordon = undefined;
    onChange();
  };
  return {
    slots: slots.length,
    get freeSlots() {
      return isDraining() ? 0 : free.length;
    },
    get isDraining() {
      return isDraining();
    },
    get isEnding() {
      return isEnding;
    },
    take(rank = () => 0) {
      if (isDraining()) throw new FarmError("Draining", {});
      const highest = Math.max(...free.map(rank));
      const [slot] = free.splice(
        free.findLastIndex((one) => rank(one) === highest),
        1,
      );
      if (!slot) throw new FarmError("NoFreeSlot", { slots: slots.length });
      onChange();
      return slot;
    },
    release(slot) {
      free.push(slot);
      onChange();
    },
    drain() {
      if (isEnding) return;
      isEnding = true;
      onChange();
    },
    cordon(forMs) {
      const was = cordon;
      clearTimeout(was);
      // Nobody waits for its end: an agent may end before.
      cordon = forMs > 0 ? setTimeout(lift, forMs).unref() : undefined;
      if ((was === undefined) !== (cordon === undefined)) onChange();
    },
  };
}
