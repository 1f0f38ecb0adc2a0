import { z } from "zod";
import { keyedList, setOf, withRules } from "./hint.ts";
import { objectName } from "./metadata.ts";

export const GPIO_DRIVERS = ["qtest", "qom", "line", "chardev-json"] as const;

const level = z.union([z.literal(0), z.literal(1)]);

const lineNumber = z.number().int().min(0).max(4_095);

const gpioPort = z
  .strictObject({
    name: objectName.describe("Name of the port, such as gpioa."),
    prefix: z
      .string()
      .max(32)
      .regex(/^[A-Za-z0-9_.-]*$/, "must be letters, digits, dots, dashes and underscores")
      .describe("What the names of its lines begin with; the index in the port follows: PA makes PA0, PA1."),
    first: lineNumber.optional().describe("Number of its first line; default: 0."),
    lines: z.number().int().min(1).max(256).describe("Number of its lines."),
    directions: setOf(z.enum(["in", "out"]))
      .min(1)
      .max(2)
      .optional()
      .describe(
        "What the model of the device can do: in, lines are driven from outside; out, they are seen outside; default: both.",
      ),
    device: z
      .string()
      .max(256)
      .regex(/^(\/[A-Za-z0-9_.,[\]-]+)+(#\d{1,3})?$/, "must be a QOM path such as /machine/soc/gpioa")
      .optional()
      .describe(
        "QOM path of the device, for the drivers qtest, qom and chardev-json. /machine/unattached/TYPE#N is the one of this type that is at place N, from 0, for devices whose path changes from version to version.",
      ),
    property: z
      .string()
      .max(64)
      .regex(/^[A-Za-z0-9_.-]*$/, "must be the name of a QOM property, without the index")
      .optional()
      .describe("For driver qom: what the names of the lines' boolean properties begin with; default: the prefix."),
  })
  .describe("A device of the machine with lines.");

const gpioLine = z
  .strictObject({
    number: lineNumber.describe("Number of the line on the board."),
    name: z
      .string()
      .min(1)
      .max(64)
      .regex(/^[A-Za-z][A-Za-z0-9_.-]*$/, "must begin with a letter, without spaces")
      .describe("Name of the line on the board, such as LED1 or BUTTON_A."),
    description: z.string().max(256).optional().describe("What is connected to it on the real board."),
    idle: level
      .optional()
      .describe("Level that the board itself gives it, by a resistor of its own; it is driven at each power-on."),
  })
  .describe("A line with a name of its own.");

/** The pins of a board, and how the farm reaches them. */
export const boardGpio = withRules(
  z.strictObject({
    driver: z
      .enum(GPIO_DRIVERS)
      .describe(
        "How lines are reached: qtest (outputs and inputs of the emulator's devices), qom (boolean properties of its devices), line (a shim in the guest that speaks the line protocol on a UART), chardev-json (the GPIO device of some builds of Espressif's emulator).",
      ),
    uart: objectName.optional().describe("For driver line: UART that carries the protocol."),
    raisesInterrupts: z
      .boolean()
      .default(false)
      .describe("True where the model raises interrupts for lines that are driven."),
    ports: keyedList(gpioPort, "name").min(1).max(32).describe("Devices with lines, the one that matters most first."),
    lines: keyedList(gpioLine, "number").max(128).default([]).describe("Lines with names of their own."),
  }),
  {
    message: "is required for driver: line",
    path: ["uart"],
    cel: "self.driver != 'line' || has(self.uart)",
    isValid: ({ driver, uart }) => driver !== "line" || uart !== undefined,
  },
  {
    message: "each port needs a device, unless the driver is line",
    path: ["ports"],
    cel: "self.driver == 'line' || self.ports.all(port, has(port.device))",
    isValid: ({ driver, ports }) => driver === "line" || ports.every(({ device }) => device !== undefined),
  },
).describe("The pins of the board, and how the farm reaches them.");

export type BoardGpio = z.infer<typeof boardGpio>;
export type GpioPortSpec = BoardGpio["ports"][number];

const BOTH: readonly ("in" | "out")[] = ["in", "out"];

export function directionsOf(port: Pick<GpioPortSpec, "directions">): readonly ("in" | "out")[] {
  return port.directions ?? BOTH;
}
export type GpioDriverName = (typeof GPIO_DRIVERS)[number];
