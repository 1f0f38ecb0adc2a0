import { z } from "zod";

/** What a new firmware does to what the guest has stored. */
export const flashPolicy = z
  .strictObject({
    erase: z
      .enum(["all", "written"])
      .default("written")
      .describe("all: a new firmware finds flash and fuses empty; written: only what it occupies itself is replaced."),
  })
  .describe("How new firmware gets into the board.");

export type FlashPolicy = z.infer<typeof flashPolicy>;
