import { z } from "zod";
import { errorBody } from "../error/error-body.ts";
import { boardSpec } from "../schema/board.ts";
import { flashPolicy } from "../schema/flash-policy.ts";
import { channelRequest, consoleLog } from "../schema/instance-channel.ts";
import { firmwareReference } from "../schema/job.ts";
import { objectName, sha256 } from "../schema/metadata.ts";
import { guestExit } from "./attempt.ts";

const desiredChannel = channelRequest.extend({
  port: z
    .number()
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .describe("Raw port to open; the next free one where it is taken. Without it the agent chooses."),
});

/** Body of `PUT /v1/desired` on the agent: what one instance shall be. Older generations and epochs get 409. */
export const desiredState = z
  .strictObject({
    uid: z.string().min(1).max(64).describe("UID of the instance."),
    tenant: z.string().min(1).describe("Tenant of the instance."),
    generation: z.number().int().min(0).describe("Generation of the spec."),
    revision: z
      .number()
      .int()
      .min(0)
      .default(0)
      .describe("Counts up where something else than the spec has changed, such as bytes of a ConfigMap."),
    digest: z.string().max(64).optional().describe("What the caller tells this wish from others by."),
    epoch: z.number().int().min(0).describe("Epoch of the leader that says so."),
    boardName: objectName.describe("Name of the board."),
    board: boardSpec,
    firmware: firmwareReference.optional(),
    urls: z.record(z.string(), z.url()).default({}),
    power: z.enum(["On", "Off"]),
    isPaused: z.boolean().default(false),
    resetCount: z.number().int().min(0).default(0),
    restartPolicy: z.enum(["Never", "OnFailure", "Always"]).default("Never"),
    flash: flashPolicy.optional(),
    channels: z.array(desiredChannel).default([]),
    consoleLog: consoleLog.optional(),
  })
  .describe("Desired state of an instance.");
export type DesiredState = z.infer<typeof desiredState>;
export type DesiredStateInput = z.input<typeof desiredState>;

/** One entry of `GET /v1/instances` on the agent. */
export const instanceStatus = z
  .strictObject({
    uid: z.string(),
    generation: z.number().int(),
    revision: z.number().int(),
    digest: z.string().optional(),
    phase: z.enum(["Starting", "Running", "Paused", "PoweredOff", "Succeeded", "Failed"]),
    isReady: z.boolean().describe("True when all that is desired is so."),
    boots: z.number().int(),
    restarts: z.number().int(),
    endpoints: z.array(z.strictObject({ name: objectName, port: z.number().int() })),
    firmware: sha256.optional().describe("Digest of the firmware that the board was last started with."),
    isFirmwareLoaded: z.boolean().describe("True when the firmware is the desired one, or none is desired."),
    lastExit: guestExit.optional(),
    lastExitAt: z.iso.datetime().optional().describe("When the guest ended last."),
    lastLines: z.array(z.string()).optional().describe("The last lines of the first UART at that end, oldest first."),
    emulator: z
      .strictObject({ binary: z.string(), version: z.string(), accelerator: z.string() })
      .optional()
      .describe("Emulator of the newest boot."),
    isInUse: z.boolean().optional().describe("True while somebody uses a channel of it."),
    lastUsedAt: z.iso.datetime().optional().describe("When that began or ended last."),
    error: errorBody.optional().describe("Why it is not as desired."),
  })
  .describe("State of an instance.");
export type InstanceStatus = z.infer<typeof instanceStatus>;
