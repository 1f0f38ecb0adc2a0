import { z } from "zod";
import { keyedList } from "./hint.ts";

export const STORAGE_NAMES = ["flash", "sd", "efuse"] as const;

const boardDrive = z
  .strictObject({
    name: z.enum(STORAGE_NAMES).describe("What it is: flash, a card (sd), or fuses (efuse)."),
    interface: z
      .enum(["pflash", "sd"])
      .describe("How the emulator has it: -drive if=pflash, a flash chip, or if=sd, a card."),
    unit: z
      .number()
      .int()
      .min(0)
      .max(15)
      .optional()
      .describe("Its number among those of the same interface; default: 0."),
    sizeKiB: z
      .number()
      .int()
      .positive()
      .max(1024 * 1024)
      .describe("Exact size, as the emulator wants it; a card's is a power of two."),
    description: z.string().optional().describe("What of it is seen by the guest, such as its address."),
  })
  .describe("Memory of the board that keeps what its guest has written.");

/** Memory that is kept for an instance: over resets, power, firmware and restarts of emulator and agent. Jobs have none of it. */
export const boardStorage = keyedList(boardDrive, "name")
  .min(1)
  .max(STORAGE_NAMES.length)
  .describe(
    "Flash, card and fuses of the board, kept for each instance. A job's flash is empty memory, and it has no card.",
  );

export type BoardDrive = z.infer<typeof boardDrive>;
export type StorageName = (typeof STORAGE_NAMES)[number];
