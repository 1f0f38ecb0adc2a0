import { z } from "zod";
import { objectName } from "./metadata.ts";

/** Channels by which whoever reaches them has the whole board, and with a debugger what its emulator can read. */
export const CONTROL_CHANNELS = ["qmp", "gdb", "monitor"] as const;

export const channelRequest = z
  .strictObject({
    name: objectName.describe("Channel: a UART of the board such as uart0, or gpio, qmp, gdb, monitor."),
    tcp: z.boolean().default(false).describe("True opens a raw TCP port for the channel."),
  })
  .describe("A channel that is reachable from outside.");

export type ChannelRequest = z.infer<typeof channelRequest>;
