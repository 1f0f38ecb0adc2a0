import { z } from "zod";

/** The display of a board. */
export const boardDisplay = z
  .strictObject({
    device: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe(
        "Device that has the display, such as VGA; none where the machine itself has one. It is added for instances, and for jobs whose scenario takes screenshots.",
      ),
    description: z.string().max(256).optional().describe("What the display is, and how a guest gets to it."),
  })
  .describe("The board's display.");
