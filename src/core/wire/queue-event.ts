import { z } from "zod";

/** How a queue stands: a line of `GET /v1/queue/events`. */
export const queueEvent = z
  .strictObject({
    waiting: z.number().int().min(0).describe("Jobs that wait for a slot."),
  })
  .describe("How the queue stands.");

export type QueueEvent = z.infer<typeof queueEvent>;
