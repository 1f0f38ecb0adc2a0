import { z } from "zod";
import { keyedList } from "./hint.ts";

/** Moment as Kubernetes writes it, to the second. */
export const timestamp = z.iso.datetime().describe("Moment, in UTC.");

/** A condition in the convention of Kubernetes (metav1.Condition). */
export const condition = z
  .strictObject({
    type: z.string().min(1).max(316).describe("What the condition is about, in CamelCase."),
    status: z.enum(["True", "False", "Unknown"]).describe("Whether it is so."),
    observedGeneration: z
      .number()
      .int()
      .min(0)
      .optional()
      .describe("Generation of the spec that the condition is about."),
    lastTransitionTime: timestamp.describe("When the status last changed."),
    reason: z
      .string()
      .min(1)
      .max(1_024)
      .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/, "must be one word in CamelCase")
      .describe("Why, in one stable word in CamelCase."),
    message: z.string().max(32_768).describe("Why, in a sentence that a person can act on."),
  })
  .describe("An aspect of the state.");

export type Condition = z.infer<typeof condition>;

/** What the status of every kind begins with. */
export const commonStatus = {
  observedGeneration: z
    .number()
    .int()
    .optional()
    .describe("Generation of the spec that the status is about; -1 until the operator has seen the object."),
  conditions: keyedList(condition, "type")
    .max(32)
    .optional()
    .describe("Aspects of the state, each of one type. Ready comes first."),
};
