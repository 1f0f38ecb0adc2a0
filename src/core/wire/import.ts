import { z } from "zod";
import { boardSpec, FIRMWARE_FORMATS } from "../schema/board.ts";
import { objectName, sha256 } from "../schema/metadata.ts";

/** Most bytes that travel in the request itself: what a ConfigMap holds. */
export const MAX_INLINE_BYTES = 1024 * 1024;

/** Body of `POST /v1/imports`: where firmware comes from. */
export const importRequest = z
  .strictObject({
    artifact: sha256.optional().describe("Firmware that is in the store, by digest."),
    inline: z
      .base64()
      .max(Math.ceil(MAX_INLINE_BYTES / 3) * 4)
      .optional()
      .describe("The bytes themselves, in base64; at most 1 MiB."),
    url: z
      .url({ protocol: /^https?$/ })
      .max(2_048)
      .optional()
      .describe("HTTP or HTTPS address of the bytes."),
    sha256: sha256.optional().describe("Digest that the bytes must have; what is in the store is not fetched again."),
    board: z
      .strictObject({ name: objectName.describe("Name of the board."), spec: boardSpec })
      .optional()
      .describe("Board that the firmware must be for."),
    name: z.string().min(1).max(255).optional().describe("What the firmware is called in errors."),
    format: z.enum(FIRMWARE_FORMATS).optional().describe("Format; default: found from the bytes."),
  })
  .refine(({ artifact, inline, url }) => [artifact, inline, url].filter((one) => one !== undefined).length === 1, {
    message: "needs exactly one of artifact, inline and url",
  })
  .describe("Firmware to bring into the store.");
export type ImportRequest = z.infer<typeof importRequest>;
export type ImportRequestInput = z.input<typeof importRequest>;

/** Answer to `POST /v1/imports`. */
export const importRecord = z
  .strictObject({
    sha256,
    sizeBytes: z.number().int().describe("Size in bytes."),
    format: z.enum(FIRMWARE_FORMATS).optional().describe("Format that the board loads it as, where a board was named."),
    url: z.url().describe("Signed URL for agents; good for two days at least."),
  })
  .describe("Firmware in the store.");
export type ImportRecord = z.infer<typeof importRecord>;
