import { z } from "zod";
import { ARTIFACT_PATH } from "../wire/artifact.ts";

/** Largest picture that travels in a scenario, in bytes. */
export const MAX_PICTURE_BYTES = 1024 * 1024;

/** A picture that lies beside the scenario, or, once the command line has read it, its bytes. */
const expectedPicture = z.union([
  z.string().min(1).max(1_024).describe("PNG beside the scenario's file, or its path from there."),
  z
    .strictObject({
      name: z.string().max(1_024).describe("What it is called where it came from."),
      base64: z
        .base64()
        .max(Math.ceil((MAX_PICTURE_BYTES * 4) / 3) + 4)
        .describe("The PNG itself; at most 1 MiB."),
    })
    .describe("A PNG that travels in the scenario."),
]);
export type ExpectedPicture = z.infer<typeof expectedPicture>;

export const takeScreenshot = z.strictObject({
  "part-id": z.string().optional().describe("Part of a diagram; the board's own display is none, and is the default."),
  "save-to": z
    .string()
    .regex(ARTIFACT_PATH, "must be a relative path of letters, digits, '.', '_' and '-'")
    .optional()
    .describe("Name of the artifact that keeps the picture, such as screens/boot.png."),
  "compare-with": expectedPicture.optional().describe("Picture that it must be like."),
  tolerance: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe("Part of the picture's points that may differ, from 0 (none) to 1."),
});
export type TakeScreenshot = z.infer<typeof takeScreenshot>;
