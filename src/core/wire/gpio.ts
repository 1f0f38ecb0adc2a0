import { z } from "zod";
import { duration } from "../schema/duration.ts";

const level = z.union([z.literal(0), z.literal(1)]).describe("Level: 0 is low, 1 is high.");
const clock = z
  .enum(["guest", "host"])
  .describe("Clock of the times: the guest's own where the board's driver can tell it, else the agent's.");
const timeNs = z.number().int().describe("When, in ns since the boot began.");

/** How a line is told: people read its name, the line protocol has its number. */
const lineIdentity = {
  line: z.string().describe("Name of the line: that on the board where it has one, else that of its port."),
  number: z.number().int().describe("Number of the line on the board."),
};

const gpioLine = z
  .strictObject({
    ...lineIdentity,
    name: z.string().describe("Systematic name of the line, such as PA5."),
    level: level.nullable().describe("Level of the line; null: nobody knows it yet."),
    driven: level.nullable().describe("Level that it is driven to from outside; null: it is not."),
    isInput: z.boolean().describe("True where it can be driven from outside."),
    isOutput: z.boolean().describe("True where it is seen what the guest makes of it."),
    isGuestDriven: z.boolean().optional().describe("True where the guest has changed it since its boot began."),
  })
  .describe("A line as it stands.");
export type GpioLineState = z.infer<typeof gpioLine>;

/** `GET .../gpio`: every line, and what the board's driver can do. */
export const gpioState = z
  .strictObject({
    boot: z.number().int().describe("Number of the newest boot; 0: the board was never on."),
    isConnected: z.boolean().describe("True while the pins of a running guest are connected."),
    abilities: z
      .strictObject({
        observes: z.enum(["edges", "levels", "none"]).describe("What is seen of the guest's outputs."),
        drives: z.boolean().describe("True where inputs can be driven."),
        raisesInterrupts: z.boolean().describe("True where a driven input can interrupt the guest."),
        timestamps: z.boolean().describe("True where edges have the guest's own time."),
        ports: z.enum(["one", "all"]).describe("Ports whose outputs are seen at the same time."),
      })
      .describe("What the board's driver can do."),
    lines: z.array(gpioLine),
    refused: z
      .number()
      .int()
      .optional()
      .describe("Lines on raw ports that were none, or asked for what the board cannot do, over all its boots."),
  })
  .describe("The pins of a board.");
export type GpioState = z.infer<typeof gpioState>;

const edge = z
  .strictObject({ ...lineIdentity, level, timeNs, by: z.enum(["guest", "outside"]).describe("Who changed it.") })
  .describe("A change of a line.");

/** What the WebSocket tells; each message is one JSON text. */
export const gpioMessage = z.discriminatedUnion("type", [
  gpioState.extend({ type: z.literal("state") }).describe("Every line: the first message."),
  z
    .strictObject({ type: z.literal("edges"), boot: z.number().int(), clock, edges: z.array(edge) })
    .describe("Changes, in order, none left out."),
  z
    .strictObject({
      type: z.literal("merged"),
      boot: z.number().int(),
      clock,
      reason: z
        .enum(["coalesced", "slow"])
        .describe("coalesced: the viewer asked for it; slow: it did not read what it was sent."),
      edges: z.number().int().describe("Changes that are told here in one."),
      lines: z.array(z.strictObject({ ...lineIdentity, level, edges: z.number().int(), timeNs })),
    })
    .describe("Lines that changed: where each stands, how often it changed, and when it did last."),
  z
    .strictObject({ type: z.literal("error"), code: z.string(), message: z.string() })
    .describe("What you sent was not done."),
]);
export type GpioMessage = z.infer<typeof gpioMessage>;

const lineReference = z
  .union([z.string().min(1).max(64), z.number().int().min(0).max(999_999)])
  .describe("Line by name or number.");

/** What a caller can ask for: the body of `POST .../gpio`, and what the WebSocket takes. */
export const gpioRequest = z
  .discriminatedUnion("type", [
    z
      .strictObject({ type: z.literal("set"), line: lineReference, level })
      .describe("Drives a line until it is driven otherwise."),
    z
      .strictObject({
        type: z.literal("pulse"),
        line: lineReference,
        level: level.default(1),
        duration: duration.default("100ms").describe("How long, on the agent's clock."),
      })
      .describe("Drives a line for a time, then back to what it was."),
  ])
  .describe("Drives a line.");
export type GpioRequest = z.infer<typeof gpioRequest>;
export type GpioRequestInput = z.input<typeof gpioRequest>;

/** How a viewer wants to be told. */
export const gpioQuery = z.object({
  coalesce: duration.optional().describe("At most one message in this time, with changes merged and counted."),
});
