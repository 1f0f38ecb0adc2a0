import { z } from "zod";
import { objectName } from "./metadata.ts";

/** Channels by which whoever reaches them has the whole board, and with a debugger what its emulator can read. */
export const CONTROL_CHANNELS = ["qmp", "gdb", "monitor"] as const;

/** A UART's name with this names its port for RFC 2217. */
export const RFC2217_SUFFIX = "-rfc2217";

export const channelRequest = z
  .strictObject({
    name: objectName.describe(
      "Channel: a UART of the board such as uart0, the same by RFC 2217 (uart0-rfc2217), or semihosting, gpio, qmp, gdb, monitor, vnc.",
    ),
    tcp: z.boolean().default(false).describe("True opens a raw TCP port for the channel."),
  })
  .describe("A channel that is reachable from outside.");

export const consoleLog = z
  .enum(["None", "First", "All"])
  .describe("UARTs whose output is copied to the pod's log: none, the first one, or all, each line by its name.");

export type ConsoleLog = z.infer<typeof consoleLog>;

export type ChannelRequest = z.infer<typeof channelRequest>;
