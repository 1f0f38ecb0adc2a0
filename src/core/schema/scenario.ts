import { z } from "zod";
import { diagram } from "../diagram/diagram.ts";
import { exitReason } from "../verdict.ts";
import { duration } from "./duration.ts";
import { objectName } from "./metadata.ts";
import { takeScreenshot } from "./screenshot-step.ts";

const uartName = objectName.describe("UART by its name on the board; default: the board's first.");
const regex = z.string().min(1).max(4_096).describe("Regular expression in RE2 syntax (linear time).");
const byte = z.number().int().min(0).max(255);
const isTrue = z.union([z.literal(true), z.null()]);

const serialPattern = z.union([
  z.string().min(1).describe("Text to wait for."),
  z.strictObject({ regex }).describe("Regular expression to wait for."),
]);

const waitSerial = z.union([
  z.string().min(1).describe("Text to wait for on the console."),
  z
    .strictObject({
      text: z.string().min(1).optional().describe("Text to wait for."),
      regex: regex.optional(),
      all: z.array(serialPattern).min(1).optional().describe("Several texts or patterns, in any order."),
      uart: uartName.optional(),
    })
    .refine((value) => [value.text, value.regex, value.all].filter((one) => one !== undefined).length === 1, {
      message: "needs exactly one of text, regex and all",
    }),
]);

const writeSerial = z.union([
  z.string().describe("Text to write to the console, as UTF-8."),
  z.array(byte).min(1).describe("Bytes to write to the console."),
  z
    .strictObject({
      text: z.string().optional().describe("Text to write, as UTF-8."),
      bytes: z.array(byte).min(1).optional().describe("Bytes to write."),
      uart: uartName.optional(),
    })
    .refine((value) => (value.text === undefined) !== (value.bytes === undefined), {
      message: "needs exactly one of text and bytes",
    }),
]);

const expectExit = z.union([
  isTrue.describe("Any end by which the guest ends itself."),
  z.number().int().min(0).max(255).describe("Exit code."),
  z
    .strictObject({
      reason: exitReason.optional(),
      code: z.number().int().optional().describe("Exit code."),
    })
    .refine((value) => value.reason !== undefined || value.code !== undefined, {
      message: "needs reason, code or both",
    }),
]);

const timeoutClock = z
  .enum(["wall", "guest"])
  .optional()
  .describe(
    "Clock of the timeout: wall (default), or guest, the guest's own time, which stands still while its CPU does; it takes the farm's own QEMU.",
  );

const CLOCK_WITHOUT_TIMEOUT = { path: ["clock"], message: "is that of a timeout, and there is none" };

const hasTimeoutOfItsClock = ({ clock, timeout }: { clock?: unknown; timeout?: unknown }) =>
  clock === undefined || timeout !== undefined;

const pinReference = {
  "part-id": z.string().optional().describe("Part of the diagram; default: the board."),
  pin: z.union([z.string(), z.number()]).optional().describe("Pin by number or name."),
  name: z.string().optional().describe("Line by name."),
};

const NAMES_ONE_PIN = { message: "needs exactly one of pin and name" };
const namesOnePin = ({ pin, name }: { pin?: unknown; name?: unknown }) => (pin === undefined) !== (name === undefined);

/** The actions of a step. Each step has exactly one of them. */
export const stepActions = {
  "wait-serial": waitSerial.describe("Waits until a text or pattern has come over a UART since the last such step."),
  "write-serial": writeSerial.describe("Writes to a UART."),
  delay: duration.describe("Waits for a time."),
  power: z.enum(["on", "off", "cycle"]).describe("Switches the board's power."),
  reset: isTrue.describe("Resets the board."),
  pause: isTrue.describe("Stops the CPU."),
  resume: isTrue.describe("Lets the CPU go on."),
  qmp: z
    .strictObject({
      execute: z.string().min(1).describe("Name of the QMP command; only allowed ones."),
      arguments: z.record(z.string(), z.unknown()).optional().describe("Arguments of the command."),
      expect: z.unknown().optional().describe("Value that the command must return; of an object, only the keys given."),
    })
    .describe("Sends a QMP command to the emulator."),
  "expect-exit": expectExit.describe("Waits until the guest ends, and checks how."),
  "expect-pin": z
    .strictObject({ ...pinReference, value: z.union([z.literal(0), z.literal(1)]).describe("Level that is expected.") })
    .refine(namesOnePin, NAMES_ONE_PIN)
    .describe("Checks the level of a pin: now, or with a timeout until it is so."),
  "set-pin": z
    .strictObject({
      ...pinReference,
      value: z.union([z.literal(0), z.literal(1)]).describe("Level to drive."),
      for: duration.optional().describe("Length of a pulse; default: the pin stays as it is driven."),
    })
    .refine(namesOnePin, NAMES_ONE_PIN)
    .describe("Drives a pin from outside."),
  "set-control": z
    .strictObject({
      "part-id": z.string().describe("Part of the diagram."),
      control: z.string().describe("Control of the part, such as pressed."),
      value: z.union([z.number(), z.string(), z.boolean()]).describe("Value to set."),
    })
    .describe("Works a control of a part, such as a push button."),
  property: z
    .strictObject({
      path: z.string().describe("QOM path of the object."),
      name: z.string().describe("Name of the property."),
      set: z.unknown().optional().describe("Value to set."),
      expect: z.unknown().optional().describe("Value that is expected."),
    })
    .describe("Sets or checks a QOM property."),
  "take-screenshot": takeScreenshot.describe(
    "Takes a picture of the display; with a timeout, until it is as expected.",
  ),
  snapshot: z.string().describe("Saves a snapshot under this name."),
} as const;

export type StepAction = keyof typeof stepActions;
export const STEP_ACTIONS = Object.keys(stepActions) as StepAction[];

/** Steps that the schema knows and no board supports yet: refused before start, never ignored. */
export const UNSUPPORTED_ACTIONS: readonly StepAction[] = ["snapshot"];

type OptionalActions = { [Action in StepAction]: z.ZodOptional<(typeof stepActions)[Action]> };
const optionalActions = Object.fromEntries(
  Object.entries(stepActions).map(([action, schema]) => [action, schema.optional()]),
) as OptionalActions;

export const scenarioStep = z
  .strictObject({
    name: z.string().optional().describe("What the step is for, shown in reports."),
    ...optionalActions,
    timeout: duration.optional().describe("Deadline of the step; default: what is left of the job's."),
    clock: timeoutClock,
  })
  .refine(hasTimeoutOfItsClock, CLOCK_WITHOUT_TIMEOUT)
  .superRefine((step, context) => {
    const actions = STEP_ACTIONS.filter((action) => step[action] !== undefined);
    if (actions.length === 1) return;
    const message =
      actions.length === 0
        ? `has no action; expected one of ${STEP_ACTIONS.join(", ")}`
        : `has ${actions.length} actions (${actions.join(", ")}); expected one`;
    context.addIssue({ code: "custom", message });
  })
  .describe("One step: exactly one action, and what holds for it.");

export type ScenarioStep = z.infer<typeof scenarioStep>;

const failPattern = z.union([
  z.string().min(1).describe("Text that must not appear on any UART."),
  z.strictObject({ regex, uart: uartName.optional() }).describe("Pattern that must not appear."),
]);

export const monitor = z
  .strictObject({
    type: z
      .enum(["unity", "ztest", "regex"])
      .describe("Framework whose output is read: Unity, Zephyr's ztest, or a pattern of one's own."),
    uart: uartName.optional(),
    pattern: regex
      .optional()
      .describe(
        "For type regex: matched per line, with the named groups name and result, and optionally suite, message, file and line.",
      ),
    passed: z.array(z.string()).default(["PASS", "PASSED", "ok"]).describe("For type regex: results that mean passed."),
    skipped: z
      .array(z.string())
      .default(["SKIP", "SKIPPED", "IGNORE"])
      .describe("For type regex: results that mean skipped."),
    end: regex.optional().describe("For type regex: line after which no more test cases come."),
    minCases: z.number().int().min(0).default(1).describe("Fewest test cases that must be seen."),
  })
  .superRefine((value, context) => {
    if (value.type === "regex" && value.pattern === undefined) {
      context.addIssue({ code: "custom", path: ["pattern"], message: "is required for type: regex" });
    }
  })
  .describe("Turns output into test cases.");

export type Monitor = z.infer<typeof monitor>;

export const scenario = z
  .strictObject({
    name: z.string().optional().describe("Name of the test."),
    version: z.literal(1).describe("Version of the format: 1."),
    author: z.string().optional().describe("Who wrote it."),
    steps: z.array(scenarioStep).default([]).describe("Steps, carried out in order."),
    fail: z
      .array(failPattern)
      .max(1_000)
      .default([])
      .describe("Texts and patterns that fail the test whenever they appear."),
    monitors: z.array(monitor).max(16).default([]).describe("What turns output into test cases."),
    diagram: diagram
      .optional()
      .describe("The circuit around the board; the command line takes it from diagram.json beside the scenario."),
    pins: z
      .boolean()
      .optional()
      .describe(
        "Watches the board's pins from its first instruction and keeps each change as the artifact pins.vcd, also where no step is about pins.",
      ),
    timeout: duration.optional().describe("Deadline of the whole scenario."),
    clock: timeoutClock,
  })
  .refine(hasTimeoutOfItsClock, CLOCK_WITHOUT_TIMEOUT)
  .describe("The steps and checks of one test. A superset of the simulation scenario that Wokwi's CLI reads.");

export type Scenario = z.infer<typeof scenario>;
export type ScenarioInput = z.input<typeof scenario>;

/** True where somebody will look at the display. */
export function usesDisplay({ steps }: Pick<Scenario, "steps">): boolean {
  return steps.some((step) => step["take-screenshot"] !== undefined);
}

/** True where a timeout is one of the guest's time. */
export function usesGuestTime({ clock, steps }: Pick<Scenario, "clock" | "steps">): boolean {
  return clock === "guest" || steps.some((step) => step.clock === "guest");
}

/** True where pins are watched from the guest's first instruction. */
export function usesPins({ steps, pins, diagram }: Pick<Scenario, "steps" | "pins" | "diagram">): boolean {
  return (
    pins === true ||
    diagram !== undefined ||
    steps.some((step) => PIN_ACTIONS.some((action) => step[action] !== undefined))
  );
}

const PIN_ACTIONS = ["set-pin", "expect-pin", "set-control"] as const;
