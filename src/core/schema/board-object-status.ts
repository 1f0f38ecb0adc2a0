import { z } from "zod";
import { commonStatus } from "./condition.ts";

/** Types of a board's conditions. */
export const BOARD_CONDITIONS = [
  /** The board is sound, and the farm's agents have an emulator that runs it. */
  "Ready",
] as const;
export type BoardCondition = (typeof BOARD_CONDITIONS)[number];

/** Status of a Board or ClusterBoard on a cluster. */
export const boardObjectStatus = z
  .strictObject({
    ...commonStatus,
    emulator: z
      .strictObject({
        binary: z.string().max(253).describe("Program."),
        version: z.string().max(64).describe("Version."),
      })
      .optional()
      .describe("Emulator of the farm's agents that runs the board."),
  })
  .describe("What the farm knows of the board.");

export type BoardObjectStatus = z.infer<typeof boardObjectStatus>;
