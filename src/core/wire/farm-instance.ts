import { z } from "zod";
import { emulatorInstance } from "../schema/emulator-instance.ts";
import { metadata } from "../schema/metadata.ts";

/** An instance as a farm on one machine shows it: the object of Kubernetes, with what the farm has found. */
export const instanceObject = emulatorInstance.extend({
  metadata: metadata.extend({
    uid: z.string().describe("Id of this very instance; another one of its name has another."),
    generation: z
      .number()
      .int()
      .describe("Counts the changes of the spec. A PUT or PATCH that names another is refused."),
    creationTimestamp: z.iso.datetime().describe("When it was made."),
  }),
});
export type InstanceObject = z.infer<typeof instanceObject>;

/** Body of `PATCH /v1/instances/{name}`: a JSON merge patch (RFC 7396) of the spec. */
export const instancePatch = z
  .strictObject({
    metadata: z
      .strictObject({
        uid: z.string().max(64).optional().describe("The instance that is meant."),
        generation: z.number().int().optional().describe("The generation that the caller has seen."),
      })
      .optional()
      .describe("What the patch is about; anything, where it is left out."),
    spec: z.record(z.string(), z.unknown()).describe("Fields to change; null takes one away."),
  })
  .describe("Change of an instance.");
export type InstancePatch = z.input<typeof instancePatch>;

/** Lines of `GET /v1/instances?watch=true` (NDJSON): all that are there, `listed`, then changes as they happen. */
export const instanceNews = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("instance"), instance: instanceObject }),
  z.strictObject({ type: z.literal("listed") }).describe("All that were there have been told."),
  z.strictObject({ type: z.literal("deleted"), name: z.string() }),
]);
export type InstanceNews = z.infer<typeof instanceNews>;
