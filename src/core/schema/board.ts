import { z } from "zod";
import { boardDiagram } from "./board-diagram.ts";
import { boardDisplay } from "./board-display.ts";
import { boardGpio } from "./board-gpio.ts";
import { address, boardMemory } from "./board-memory.ts";
import { boardObjectStatus } from "./board-object-status.ts";
import { boardStorage } from "./board-storage.ts";
import { boardBoot, readyPattern } from "./boot-strategy.ts";
import { keyedList, type Rule, setOf, withRules } from "./hint.ts";
import { HOST_ACCESS_PATTERN, reachesHost } from "./host-access.ts";
import { API_VERSION, metadata, objectName } from "./metadata.ts";

export const ARCHITECTURES = ["arm", "aarch64", "riscv32", "riscv64", "avr", "x86_64", "xtensa"] as const;
export const FIRMWARE_FORMATS = ["elf", "bin", "hex", "esp-flash", "sd-image", "linux"] as const;
const firmwareLoad = z.enum(["kernel", "bios", "loader", "pflash"]);

export const architecture = z.enum(ARCHITECTURES).describe("Instruction set of the CPU that runs the firmware.");

export type Architecture = z.infer<typeof architecture>;
export type FirmwareFormat = (typeof FIRMWARE_FORMATS)[number];

const emulator = z
  .strictObject({
    type: z.enum(["qemu"]).default("qemu").describe("Kind of emulator."),
    binary: z
      .string()
      .max(64)
      .regex(/^[A-Za-z0-9._-]+$/, "must be the name of a program, without a path")
      .describe("Name of the emulator's program, such as qemu-system-arm."),
    minVersion: z
      .string()
      .max(32)
      .regex(/^\d+(\.\d+){1,2}$/, "must be a version such as 7.2 or 10.0.2")
      .describe("Least version of the emulator that runs this board rightly."),
    machine: z.string().min(1).max(256).describe("The emulator's machine type with its options, such as mps2-an385."),
    cpu: z.string().optional().describe("CPU model, where the machine leaves a choice."),
    cpus: z.number().int().min(1).max(64).default(1).describe("Number of virtual CPUs."),
    accelerators: setOf(z.enum(["kvm", "tcg"]))
      .min(1)
      .max(2)
      .default(["tcg"])
      .describe("Accelerators in order of preference; the first one that the host has is used."),
    reset: z
      .enum(["system", "restart"])
      .default("system")
      .describe(
        "How the board is reset from outside: by the emulator's system_reset, or by a restart of the emulator where that does not reset the CPU.",
      ),
    bios: z
      .string()
      .max(128)
      .regex(/^[A-Za-z0-9._-]+$/, "must be none, default, or the name of a file, without a path")
      .optional()
      .describe("Firmware of the machine itself: none, default, or the name of a file that the emulator ships."),
    devices: z
      .array(z.string().min(1).max(512))
      .max(32)
      .default([])
      .describe("Devices to add, each as the text of one -device option."),
    args: z
      .array(z.string().max(1_024))
      .max(64)
      .default([])
      .describe("Raw emulator arguments, appended last. Allowed in a ClusterBoard only."),
  })
  .describe("How the board is emulated.");

const resetLine = z.enum(["none", "reset", "resetPulse"]);

const controlLines = z
  .strictObject({
    rts: resetLine.optional().describe("What RTS is wired to; default: none."),
    dtr: resetLine.optional().describe("What DTR is wired to; default: none."),
    break: z
      .enum(["guest", "reset"])
      .optional()
      .describe(
        "What a break does: guest (default) tells the guest's UART of it; reset resets the board, as DAPLink does.",
      ),
  })
  .describe(
    "What a client of RFC 2217 moves with the UART's lines. reset: the board is held in reset while the line is active and the other one is not, and starts anew when it is let go; resetPulse: it starts anew each time the line becomes active, as on Arduino.",
  );

const uart = z
  .strictObject({
    name: objectName.describe("Name of the channel, such as uart0."),
    index: z
      .number()
      .int()
      .min(0)
      .max(15)
      .describe("Place of the UART in the emulator's list of serial ports, from 0."),
    description: z.string().optional().describe("What is connected to it on the real board."),
    controlLines: controlLines.optional(),
  })
  .describe("A UART.");

const firmware = z
  .strictObject({
    formats: setOf(z.enum(FIRMWARE_FORMATS))
      .min(1)
      .max(FIRMWARE_FORMATS.length)
      .describe("Formats of firmware that the board takes."),
    load: firmwareLoad.describe(
      "Option of the emulator that takes the image: -kernel, -bios, -device loader, or -drive if=pflash.",
    ),
    loadByFormat: z
      .strictObject({
        elf: firmwareLoad.optional().describe("Option for ELF images."),
        bin: firmwareLoad.optional().describe("Option for raw images."),
        hex: firmwareLoad.optional().describe("Option for Intel HEX images."),
      })
      .default({})
      .describe("Formats that another option takes. Where it is -bios, it replaces the machine's own firmware."),
    linux: z
      .strictObject({
        append: z.string().max(2_048).describe("Kernel command line of a job that gives none; it names the console."),
        needsDtb: z
          .boolean()
          .default(false)
          .describe("True where the job must bring a device tree: the machine has none."),
      })
      .optional()
      .describe("How a Linux kernel is started, for format linux."),
    loadAddress: address.optional().describe("Where a raw image is loaded, for load: loader."),
    flashSizeKiB: z
      .number()
      .int()
      .positive()
      .optional()
      .describe("Exact size of the flash, for load: pflash; a smaller image is padded with 0xFF."),
    elf: z
      .strictObject({
        machines: z
          .array(z.enum(["arm", "aarch64", "riscv", "avr", "386", "x86_64", "xtensa"]))
          .min(1)
          .describe("ELF machines (e_machine) that the CPU runs."),
        class: z
          .union([z.literal(32), z.literal(64)])
          .optional()
          .describe("ELF class: 32 or 64 bits."),
      })
      .optional()
      .describe("What an ELF must be for this board."),
  })
  .describe("How firmware gets into the board.");

const ending = z
  .enum(["semihosting", "shutdown", "reset", "debug-exit", "none"])
  .describe(
    "A way in which a guest ends: semihosting (exit call with a code), shutdown (power-off or a finisher device), reset (a reset that the farm takes for the end), debug-exit (isa-debug-exit), none (it runs until stopped).",
  );

const LOADS_PFLASH = `(${[
  "self.firmware.load == 'pflash'",
  ...["elf", "bin", "hex"].map((format) => {
    const field = `self.firmware.loadByFormat.${format}`;
    return `(has(${field}) && ${field} == 'pflash')`;
  }),
].join(" || ")})`;

export const boardSpec = withRules(
  z.strictObject({
    title: z.string().min(1).describe("Name of the board for people."),
    description: z.string().optional().describe("What the board is, and what its emulation leaves out."),
    architecture,
    emulator,
    memory: boardMemory,
    uarts: keyedList(uart, "name").min(1).max(16).describe("UARTs of the board; the first one is the console."),
    display: boardDisplay.optional(),
    gpio: boardGpio.optional(),
    diagram: boardDiagram.optional(),
    firmware,
    semihosting: z
      .boolean()
      .default(false)
      .describe(
        "True where the CPU's semihosting calls end a guest with an exit code. The calls never reach the host.",
      ),
    endings: setOf(ending).min(1).max(5).describe("How a guest can end by itself."),
    boot: boardBoot,
    storage: boardStorage.optional(),
    ready: readyPattern.optional().describe("What makes the board ready; without it, ready means running."),
    timeoutMultiplier: z
      .number()
      .positive()
      .default(1)
      .describe("Factor for wall-clock timeouts on this board, for emulation that is slow."),
    network: z
      .strictObject({
        device: z.string().min(1).max(256).describe("Network device of the emulator, such as virtio-net-device."),
      })
      .optional()
      .describe("Network device that a job may ask for; without it the board has no network."),
    overheadMiB: z
      .number()
      .int()
      .positive()
      .default(192)
      .describe("Memory of the emulator itself in MiB, added to ramMiB for the limit."),
  }),
  {
    message: "two UARTs have the same index",
    path: ["uarts"],
    cel: "self.uarts.all(one, self.uarts.exists_one(other, other.index == one.index))",
    isValid: ({ uarts }) => new Set(uarts.map(({ index }) => index)).size === uarts.length,
  },
  {
    message: "gpio.uart is none of the board's UARTs",
    path: ["gpio", "uart"],
    cel: "!has(self.gpio) || !has(self.gpio.uart) || self.uarts.exists(one, one.name == self.gpio.uart)",
    isValid: ({ gpio, uarts }) => gpio?.uart === undefined || uarts.some(({ name }) => name === gpio.uart),
  },
  {
    message: "ready.uart is none of the board's UARTs",
    path: ["ready", "uart"],
    cel: "!has(self.ready) || self.uarts.exists(one, one.name == self.ready.uart)",
    isValid: ({ ready, uarts }) => !ready || uarts.some(({ name }) => name === ready.uart),
  },
  {
    message: "is required for format linux",
    path: ["firmware", "linux"],
    cel: "!('linux' in self.firmware.formats) || has(self.firmware.linux)",
    isValid: ({ firmware: { formats, linux } }) => !formats.includes("linux") || linux !== undefined,
  },
  {
    message: "is required for load: pflash",
    path: ["firmware", "flashSizeKiB"],
    cel: `${LOADS_PFLASH} ? has(self.firmware.flashSizeKiB) : true`,
    isValid: ({ firmware: { load, loadByFormat, flashSizeKiB } }) =>
      ![load, ...Object.values(loadByFormat)].includes("pflash") || flashSizeKiB !== undefined,
  },
  {
    message: "must be true for a board whose endings have semihosting",
    path: ["semihosting"],
    cel: "!('semihosting' in self.endings) || self.semihosting",
    isValid: ({ endings, semihosting }) => semihosting || !endings.includes("semihosting"),
  },
).describe("How one kind of board is emulated.");

export type BoardSpec = z.infer<typeof boardSpec>;
export type BoardSpecInput = z.input<typeof boardSpec>;
export type UartSpec = z.infer<typeof uart>;
export type Ending = z.infer<typeof ending>;

const HOST_ACCESS = `matches(r"""${HOST_ACCESS_PATTERN}""")`;

/** What the people of a namespace may not write, who are not those of the cluster. */
export const NAMESPACED_BOARD_RULES: readonly Rule<BoardSpec>[] = [
  {
    message: "raw emulator arguments are allowed in a ClusterBoard only",
    path: ["emulator", "args"],
    cel: "self.emulator.args.size() == 0",
    isValid: ({ emulator: { args } }) => args.length === 0,
  },
  {
    message: "devices that reach files or devices of the host are allowed in a ClusterBoard only",
    path: ["emulator", "devices"],
    cel: `!self.emulator.devices.exists(device, device.${HOST_ACCESS})`,
    isValid: ({ emulator: { devices } }) => !devices.some(reachesHost),
  },
  {
    message: "a machine that reaches files of the host is allowed in a ClusterBoard only",
    path: ["emulator", "machine"],
    cel: `!self.emulator.machine.${HOST_ACCESS}`,
    isValid: ({ emulator: { machine } }) => !reachesHost(machine),
  },
  {
    message: "a display that reaches files or devices of the host is allowed in a ClusterBoard only",
    path: ["display", "device"],
    cel: `!has(self.display) || !has(self.display.device) || !self.display.device.${HOST_ACCESS}`,
    isValid: ({ display }) => display?.device === undefined || !reachesHost(display.device),
  },
  {
    message: "a network device that reaches files or devices of the host is allowed in a ClusterBoard only",
    path: ["network", "device"],
    cel: `!has(self.network) || !self.network.device.${HOST_ACCESS}`,
    isValid: ({ network }) => !network || !reachesHost(network.device),
  },
];

export const board = z
  .strictObject({
    apiVersion: z.literal(API_VERSION).describe("API group and version."),
    kind: z
      .enum(["Board", "ClusterBoard"])
      .describe("Board, or ClusterBoard: one for all namespaces, which may pass raw emulator arguments."),
    metadata,
    spec: boardSpec,
    status: boardObjectStatus.optional().describe("What a cluster says of the board; ignored on one machine."),
  })
  .superRefine(({ kind, spec }, context) => {
    if (kind !== "Board") return;
    for (const { message, path = [], isValid } of NAMESPACED_BOARD_RULES) {
      if (isValid && !isValid(spec)) context.addIssue({ code: "custom", path: ["spec", ...path], message });
    }
  })
  .describe("How one kind of board is emulated. Data, never code: adding a board is one manifest.");

export type Board = z.infer<typeof board>;
