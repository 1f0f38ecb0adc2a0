import { z } from "zod";
import { boundedRecord, setOf } from "./hint.ts";

/** The board as a part of a diagram. */
export const boardDiagram = z
  .strictObject({
    parts: setOf(
      z
        .string()
        .min(1)
        .max(128)
        .regex(/^[A-Za-z0-9._-]+$/, "must be a type of part, such as wokwi-arduino-uno"),
    )
      .max(16)
      .default([])
      .describe("Types of parts that stand for this board in a diagram.json; board-NAME always does."),
    pins: boundedRecord(z.string().min(1).max(64).describe("Name of the line."), 256)
      .default({})
      .describe("Lines by the names of such a part's pins, such as D13; lines by their own names are found anyway."),
  })
  .describe("The board as a part of a diagram: what is wired to its pins reaches its lines.");

export type BoardDiagram = z.infer<typeof boardDiagram>;
