import { z } from "zod";

/** A pin of a part as connections name it: `led1:A`. */
const pinReference = z
  .string()
  .max(256)
  .regex(/^[^:]+:.+$/, "must be a part and its pin, such as led1:A")
  .describe("A part and its pin, such as led1:A.");

const part = z
  .strictObject({
    id: z.string().min(1).max(128).describe("Name of the part, by which connections and steps call it."),
    type: z.string().min(1).max(128).describe("Kind of part, such as wokwi-led."),
    attrs: z.record(z.string(), z.string()).default({}).describe("Attributes of the part."),
  })
  .describe("A part.");

/** What of a `diagram.json` makes a difference to the firmware: no colours, no coordinates. */
export const diagram = z
  .strictObject({
    parts: z.array(part).max(500).describe("Parts; one of them is the board."),
    connections: z
      .array(z.tuple([pinReference, pinReference]))
      .max(5_000)
      .describe("Wires, each with its two ends."),
  })
  .superRefine(({ parts, connections }, context) => {
    const ids = new Set<string>();
    for (const [index, { id }] of parts.entries()) {
      if (ids.has(id))
        context.addIssue({ code: "custom", path: ["parts", index, "id"], message: `${id} occurs twice` });
      ids.add(id);
    }
    for (const [index, ends] of connections.entries()) {
      for (const [at, end] of ends.entries()) {
        const { part: id } = splitPin(end);
        if (ids.has(id) || isSerialMonitor(id)) continue;
        context.addIssue({ code: "custom", path: ["connections", index, at], message: `there is no part ${id}` });
      }
    }
  })
  .describe("The circuit around the board: what diagram.json beside a scenario says.");

export type Diagram = z.infer<typeof diagram>;
export type DiagramInput = z.input<typeof diagram>;
export type DiagramPart = Diagram["parts"][number];

/** The parts of a pin's name. The name of a pin may have colons and dots of its own. */
export function splitPin(reference: string): { part: string; pin: string } {
  const at = reference.indexOf(":");
  return { part: reference.slice(0, at), pin: reference.slice(at + 1) };
}

/** The simulator's serial monitor, which is wired like a part and is none: here every UART is a channel of the farm. */
export function isSerialMonitor(id: string): boolean {
  return id === "$serialMonitor";
}
