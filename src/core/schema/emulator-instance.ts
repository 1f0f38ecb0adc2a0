import { z } from "zod";
import { duration } from "./duration.ts";
import { emulatorInstanceStatus } from "./emulator-instance-status.ts";
import { firmwareSource } from "./firmware-source.ts";
import { flashPolicy } from "./flash-policy.ts";
import { keyedList, withRules } from "./hint.ts";
import { CONTROL_CHANNELS, channelRequest, consoleLog } from "./instance-channel.ts";
import { instanceStorage } from "./instance-storage.ts";
import { API_VERSION, metadata, objectName } from "./metadata.ts";
import { podTemplate } from "./pod-template.ts";

/** kubectl reads YAML 1.1, where On and Off are booleans unless they are quoted. */
const power = z.union([z.enum(["On", "Off"]), z.boolean().transform((isOn) => (isOn ? "On" : "Off"))]);
const restartPolicy = z.enum(["Never", "OnFailure", "Always"]);

const ttl = z
  .strictObject({
    after: withRules(duration, {
      message: "must be more than 0",
      cel: "!self.matches('^[0.]+[a-z]+$')",
      isValid: (text) => !/^[0.]+[a-z]+$/.test(text),
    }).describe("Time after which the instance ends, such as 4h."),
    from: z
      .enum(["Created", "LastUsed"])
      .default("Created")
      .describe("What the time is counted from: the object's creation, or the last use of a channel."),
    then: z
      .enum(["Stop", "Delete"])
      .default("Stop")
      .describe("What happens then: the emulator and its pod end, or the object is deleted."),
  })
  .describe("End of the instance's life; default: none.");

/** One rule for each field that stays as it was made. */
const immutable = (field: string, message: string) => ({
  message,
  path: [field],
  cel: `has(self.${field}) == has(oldSelf.${field}) && (!has(self.${field}) || self.${field} == oldSelf.${field})`,
});

const controlNames = CONTROL_CHANNELS.map((name) => `'${name}'`).join(", ");

export const emulatorInstanceSpec = withRules(
  z.strictObject({
    board: objectName.describe("Board: looked up in the namespace, then in the cluster. Cannot be changed."),
    firmware: firmwareSource.optional(),
    power: power
      .prefault("On")
      .describe("Off stops the emulator; its pod and address stay. True and false mean On and Off."),
    paused: z.boolean().default(false).describe("True starts with the CPU stopped, for a debugger."),
    resetCount: withRules(z.number().int().min(0).max(2_147_483_647), {
      message: "can only be raised: each raise resets the board",
      cel: "self >= oldSelf",
    })
      .default(0)
      .describe("Raising it resets the board."),
    channels: keyedList(channelRequest, "name").max(32).default([]).describe("Channels that get raw ports."),
    expose: z
      .enum(["ClusterIP", "Headless", "NodePort", "None"])
      .default("ClusterIP")
      .describe("Kind of Service by which the channels are reachable; None: through the farm's API only."),
    access: z
      .strictObject({
        unauthenticated: z
          .boolean()
          .default(false)
          .describe("True allows raw ports of qmp, gdb and monitor on every node's address, open to all who reach it."),
      })
      .prefault({})
      .describe("Who may reach the channels."),
    restartPolicy: restartPolicy.default("Never").describe("Whether a guest that has ended is started again."),
    updatePolicy: z
      .enum(["OnDelete", "WhenIdle"])
      .default("OnDelete")
      .describe(
        "When an instance whose board or agent image has changed gets a new pod: when its pod is deleted, or when nobody uses it.",
      ),
    ttl: ttl.optional(),
    storage: instanceStorage.optional(),
    flash: flashPolicy.optional(),
    consoleLog: consoleLog.default("None"),
    podTemplate: podTemplate.prefault({}),
  }),
  immutable("board", "cannot be changed: make another instance"),
  immutable("storage", "cannot be changed: make another instance"),
  {
    message: "a raw port needs a Service: expose must not be None",
    path: ["expose"],
    cel: "self.expose != 'None' || !self.channels.exists(channel, channel.tcp)",
    isValid: ({ expose, channels }) => expose !== "None" || !channels.some(({ tcp }) => tcp),
  },
  {
    message: "raw ports of qmp, gdb and monitor on NodePort need access.unauthenticated: true",
    path: ["channels"],
    cel: `self.expose != 'NodePort' || self.access.unauthenticated || !self.channels.exists(channel, channel.tcp && channel.name in [${controlNames}])`,
    isValid: ({ expose, access, channels }) =>
      expose !== "NodePort" ||
      access.unauthenticated ||
      !channels.some(({ name, tcp }) => tcp && CONTROL_CHANNELS.some((control) => control === name)),
  },
).describe("What the instance shall be.");

export type EmulatorInstanceSpec = z.infer<typeof emulatorInstanceSpec>;

export const emulatorInstance = z
  .strictObject({
    apiVersion: z.literal(API_VERSION).describe("API group and version."),
    kind: z.literal("EmulatorInstance").describe("EmulatorInstance."),
    metadata,
    spec: emulatorInstanceSpec,
    status: emulatorInstanceStatus.optional(),
  })
  .describe("One emulated board that somebody wants to exist.");

export type EmulatorInstance = z.infer<typeof emulatorInstance>;
