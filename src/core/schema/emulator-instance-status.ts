import { z } from "zod";
import { exitReason } from "../verdict.ts";
import { FIRMWARE_FORMATS } from "./board.ts";
import { commonStatus, timestamp } from "./condition.ts";
import { keyedList } from "./hint.ts";
import { objectName, sha256 } from "./metadata.ts";

/** Words for people; what programs ask stands in the conditions. */
export const INSTANCE_PHASES = [
  "Pending",
  "Scheduling",
  "Starting",
  "Running",
  "Paused",
  "PoweredOff",
  "Stopped",
  "Succeeded",
  "Failed",
  "Unknown",
] as const;
export type InstancePhase = (typeof INSTANCE_PHASES)[number];

/** Types of an instance's conditions, in the order in which they are listed. */
export const INSTANCE_CONDITIONS = [
  /** What the spec asks for is so. */
  "Ready",
  /** The pod has a node. */
  "Scheduled",
  /** The firmware of the spec is in the farm's store and in the board. */
  "FirmwareLoaded",
  /** The emulator runs and answers. */
  "EmulatorRunning",
  /** The operator has the agent's event stream. */
  "AgentConnected",
  /** The CPU is the host's (KVM), not translated (TCG). */
  "Accelerated",
  /** The board or the agent's image has changed since the pod was made. */
  "Outdated",
] as const;
export type InstanceCondition = (typeof INSTANCE_CONDITIONS)[number];

const port = z.number().int().min(1).max(65_535);

const endpoint = z
  .strictObject({
    name: objectName.describe("Channel, or http: the agent's API."),
    port: port.describe("Port of the Service."),
    nodePort: port.optional().describe("Port on every node, with expose: NodePort."),
  })
  .describe("A port of the instance.");

const lastExit = z
  .strictObject({
    reason: exitReason,
    code: z.number().int().optional().describe("Exit code of the guest, where it gave one."),
    signal: z.string().optional().describe("Signal that ended the emulator."),
    detail: z.string().max(4_096).optional().describe("What the emulator said at its end."),
    time: timestamp.optional().describe("When the guest ended."),
    lastLines: z
      .array(z.string().max(1_024))
      .max(20)
      .optional()
      .describe("The last lines of the first UART, oldest first."),
  })
  .describe("How the guest last ended.");

export const emulatorInstanceStatus = z
  .strictObject({
    ...commonStatus,
    phase: z.enum(INSTANCE_PHASES).optional().describe("State in one word, for people."),
    address: z.string().max(318).optional().describe("Name of the Service in the cluster's DNS."),
    endpoints: keyedList(endpoint, "name").max(64).optional().describe("Ports of the instance, by channel."),
    board: z
      .strictObject({
        kind: z.enum(["Board", "ClusterBoard"]).describe("Kind of object that the board's name led to."),
        name: objectName.describe("Name of the board."),
        uid: z.string().max(64).describe("UID of that object."),
        generation: z.number().int().describe("Generation of that object's spec that the pod was made for."),
      })
      .optional()
      .describe("Board that the instance runs."),
    firmware: z
      .strictObject({
        sha256,
        sizeBytes: z.number().int().optional().describe("Size in bytes."),
        format: z.enum(FIRMWARE_FORMATS).optional().describe("Format that was found."),
      })
      .optional()
      .describe("Firmware that the source of the spec led to."),
    emulator: z
      .strictObject({
        binary: z.string().max(253).describe("Program."),
        version: z.string().max(64).describe("Version."),
        accelerator: z.string().max(32).describe("Accelerator in use: tcg or kvm."),
      })
      .optional()
      .describe("Emulator that runs the board."),
    podName: z.string().max(253).optional().describe("Pod that the instance lives in."),
    nodeName: z.string().max(253).optional().describe("Node of that pod."),
    storage: z
      .enum(["Ephemeral", "Persistent"])
      .optional()
      .describe("Whether flash, fuses and cards are lost with the pod."),
    restarts: z.number().int().min(0).optional().describe("How often the guest was started again after its end."),
    lastExit: lastExit.optional(),
    expiresAt: timestamp.optional().describe("When ttl ends the instance, if it is not used until then."),
  })
  .describe("What the instance is.");

export type EmulatorInstanceStatus = z.infer<typeof emulatorInstanceStatus>;
