import { z } from "zod";
import { parseImageReference } from "../firmware/image-reference.ts";
import { boardSpec, FIRMWARE_FORMATS } from "../schema/board.ts";
import { objectName, sha256 } from "../schema/metadata.ts";

const SOURCES = ["artifact", "inline", "url", "image"] as const;

/** Most bytes that travel in the request itself: what a ConfigMap holds. */
export const MAX_INLINE_BYTES = 1024 * 1024;

const visible = z
  .string()
  .max(8_192)
  .regex(/^[\x20-\x7e]+$/, "must be printable ASCII");

/** What a caller shows where firmware is fetched from: a bearer token, or a user with a password. */
export const importCredentials = z
  .union([
    z.strictObject({ token: visible }),
    z.strictObject({ username: visible.regex(/^[^:]+$/, "must have no colon"), password: z.string().max(8_192) }),
  ])
  .describe("Credentials for the host of url or image; no other host is shown them, but a registry's token service.");
export type ImportCredentials = z.infer<typeof importCredentials>;

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
    image: z
      .string()
      .max(512)
      .refine((text) => parseImageReference(text) !== undefined, "must be the reference of an OCI image")
      .optional()
      .describe("OCI image or artifact whose first layer is the firmware, or has it as its only file."),
    credentials: importCredentials.optional(),
    sha256: sha256.optional().describe("Digest that the bytes must have; what is in the store is not fetched again."),
    board: z
      .strictObject({ name: objectName.describe("Name of the board."), spec: boardSpec })
      .optional()
      .describe("Board that the firmware must be for."),
    name: z.string().min(1).max(255).optional().describe("What the firmware is called in errors."),
    format: z.enum(FIRMWARE_FORMATS).optional().describe("Format; default: found from the bytes."),
  })
  .refine((request) => SOURCES.filter((name) => request[name] !== undefined).length === 1, {
    message: "needs exactly one of artifact, inline, url and image",
  })
  .refine(({ credentials, url, image }) => credentials === undefined || url !== undefined || image !== undefined, {
    message: "credentials are for url and image only",
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
