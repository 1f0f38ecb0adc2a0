import { z } from "zod";
import { duration } from "./duration.ts";
import { API_VERSION, metadata, objectName, sha256 } from "./metadata.ts";

export const channelRequest = z
  .strictObject({
    name: objectName.describe("Channel, such as uart0."),
    tcp: z.boolean().default(false).describe("True opens a raw TCP port for the channel."),
  })
  .describe("A channel that is reachable from outside.");

const firmwareSource = z
  .strictObject({
    url: z.url().optional().describe("HTTP or HTTPS address of the image."),
    sha256: sha256.optional(),
    configMap: z
      .strictObject({ name: objectName.describe("ConfigMap."), key: z.string().describe("Key in binaryData or data.") })
      .optional()
      .describe("Image in a ConfigMap."),
    artifact: sha256.optional().describe("Image in the farm's store, by digest."),
    image: z.string().optional().describe("OCI image or artifact that holds the firmware."),
    inline: z.base64().max(131_072).optional().describe("The image itself, in base64; at most 96 KiB."),
  })
  .refine(
    (value) =>
      [value.url, value.configMap, value.artifact, value.image, value.inline].filter((one) => one !== undefined)
        .length === 1,
    { message: "needs exactly one of url, configMap, artifact, image and inline" },
  )
  .describe("Where the firmware comes from: exactly one source.");

export const emulatorInstance = z
  .strictObject({
    apiVersion: z.literal(API_VERSION).describe("API group and version."),
    kind: z.literal("EmulatorInstance").describe("EmulatorInstance."),
    metadata,
    spec: z
      .strictObject({
        board: objectName.describe("Board: looked up in the namespace, then in the cluster."),
        firmware: firmwareSource.optional(),
        power: z.enum(["On", "Off"]).default("On").describe("Off stops the emulator; its place is kept."),
        paused: z.boolean().default(false).describe("True starts with the CPU stopped, for a debugger."),
        resetCount: z.number().int().min(0).default(0).describe("Raising it resets the board."),
        channels: z.array(channelRequest).max(32).default([]).describe("Channels that get raw ports."),
        expose: z
          .enum(["ClusterIP", "Headless", "NodePort", "None"])
          .default("ClusterIP")
          .describe("How the channels are reachable; None: through the API only."),
        restartPolicy: z
          .enum(["Never", "OnFailure", "Always"])
          .default("Never")
          .describe("Whether a guest that has ended is started again."),
        ttl: z
          .strictObject({
            after: duration,
            from: z.enum(["Created", "LastUsed"]).default("Created").describe("What the time is counted from."),
            then: z.enum(["Stop", "Delete"]).default("Stop").describe("What happens then."),
          })
          .optional()
          .describe("End of the instance's life."),
      })
      .describe("What the instance shall be."),
  })
  .describe("One emulated board that somebody wants to exist.");

export type EmulatorInstance = z.infer<typeof emulatorInstance>;
