import type { z } from "zod";
import { objectName } from "../../core/schema/metadata.ts";

/** A channel that is passed on to the agent, whatever it carries. */
export interface ChannelPath {
  /** Behind the path of the job or instance. */
  readonly path: string;
  readonly methods: readonly ("GET" | "PUT" | "POST")[];
  readonly hasWebSocket: boolean;
  readonly summary: string;
  readonly description: string;
  /** Names in the path. */
  readonly params?: Readonly<Record<string, z.ZodType>>;
}

/** Every channel of a board, as the agent has it under attempts and instances. */
export const CHANNEL_PATHS: readonly ChannelPath[] = [
  {
    path: "uarts/:uart",
    methods: [],
    hasWebSocket: true,
    summary: "Console of a UART",
    description:
      "WebSocket: binary messages are bytes both ways, text messages tell who writes, gaps and boots as JSON.",
    params: { uart: objectName },
  },
  {
    path: "uarts/:uart/log",
    methods: ["GET"],
    hasWebSocket: false,
    summary: "What the guest wrote on a UART",
    description: "Bytes from `offset`; with `follow=true` until the guest is gone.",
    params: { uart: objectName },
  },
  {
    path: "gpio",
    methods: ["GET", "POST"],
    hasWebSocket: true,
    summary: "Lines of the board",
    description: "GET tells the lines, POST sets one or gives a pulse; WebSocket: edges out, changes in, as JSON.",
  },
  {
    path: "qmp",
    methods: [],
    hasWebSocket: true,
    summary: "QMP",
    description: "WebSocket: a session of QMP of its own; each text message is a command, an answer or an event.",
  },
  {
    path: "properties",
    methods: ["GET", "PUT"],
    hasWebSocket: false,
    summary: "Properties by QOM path",
    description: "GET with `path` lists an object or tells one property, PUT sets one.",
  },
  {
    path: "monitor",
    methods: ["POST"],
    hasWebSocket: false,
    summary: "A command for QEMU's human monitor, read-only",
    description: "The body is JSON: `command`.",
  },
  {
    path: "screen",
    methods: ["GET"],
    hasWebSocket: false,
    summary: "Picture of the display",
    description: "PNG of what a board with a display shows now.",
  },
  {
    path: "vnc",
    methods: [],
    hasWebSocket: true,
    summary: "The display by VNC",
    description: "WebSocket: binary messages are bytes of the RFB protocol, both ways.",
  },
  {
    path: "gdb",
    methods: [],
    hasWebSocket: true,
    summary: "GDB's remote protocol",
    description: "WebSocket: binary messages are bytes of the remote serial protocol, both ways.",
  },
  {
    path: "firmware",
    methods: ["GET"],
    hasWebSocket: false,
    summary: "Image that the board runs",
    description: "Bytes of the firmware, for debuggers that look for its symbols.",
  },
  {
    path: "events",
    methods: [],
    hasWebSocket: true,
    summary: "Events of the board for front ends",
    description: "WebSocket: JSON messages; outward system, serial_output, gpio_change, error.",
  },
  {
    path: "storage/:storage",
    methods: ["GET"],
    hasWebSocket: false,
    summary: "Bytes of a flash, fuses or a card",
    description: "As the board has them now.",
    params: { storage: objectName },
  },
  {
    path: "control",
    methods: ["POST"],
    hasWebSocket: false,
    summary: "Reset, pause, resume, switch on and off",
    description: "The body is JSON: `action`, one of reset, pause, resume, powerOn and powerOff.",
  },
];
