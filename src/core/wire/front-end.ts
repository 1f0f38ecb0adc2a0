import { z } from "zod";
import { guestExit } from "./attempt.ts";

/**
 * The event stream that front ends of board simulators know: JSON objects `{type, data}`, one for each WebSocket
 * message. What they do not know they are never sent.
 */
export const frontEndEvent = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("system"),
    data: z.strictObject({
      event: z.enum(["booting", "booted", "exited"]),
      exit: guestExit.optional().describe("With exited: how the guest ended."),
    }),
  }),
  z.strictObject({
    type: z.literal("serial_output"),
    data: z.strictObject({
      data: z.string().describe("Text, decoded from UTF-8 as a stream."),
      uart: z.int().describe("Place of the UART on the board, from 0."),
    }),
  }),
  z.strictObject({
    type: z.literal("gpio_change"),
    data: z.strictObject({ pin: z.int().describe("The board's own number."), state: z.literal([0, 1]) }),
  }),
  z.strictObject({ type: z.literal("error"), data: z.strictObject({ message: z.string() }) }),
]);
export type FrontEndEvent = z.infer<typeof frontEndEvent>;

const base64 = z.base64();
const state = z.union([z.literal([0, 1]), z.boolean().transform((isHigh): 0 | 1 => (isHigh ? 1 : 0))]);
const uart = z.int().min(0).max(15).default(0);

/** What front ends ask for. Beside `data`, the fields may stand in the message itself. */
const frontEndCommand = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("start_instance"),
    board: z.string().optional(),
    firmware: base64.optional(),
    firmware_b64: base64.optional(),
  }),
  z.object({ type: z.literal("stop_instance") }),
  z.object({ type: z.literal("load_firmware"), firmware: base64.optional(), firmware_b64: base64.optional() }),
  z.object({ type: z.literal("set_pin_state"), pin: z.union([z.string().min(1).max(64), z.int().min(0)]), state }),
  z.object({
    type: z.literal("send_serial_bytes"),
    bytes: z.union([z.array(z.int().min(0).max(255)), base64.describe("In base64.")]),
    uart,
  }),
]);
export type FrontEndCommand = z.infer<typeof frontEndCommand>;

/** Either the command, or what is wrong with a message, in words. */
export function readFrontEndCommand(
  text: string,
): FrontEndCommand | { readonly type: "bad"; readonly problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { type: "bad", problem: "the message is not JSON" };
  }
  if (typeof value !== "object" || value === null) return { type: "bad", problem: "the message is not an object" };
  const { data, ...own } = value as { data?: unknown };
  const inner = typeof data === "object" && data !== null && !Array.isArray(data) ? data : {};
  const result = frontEndCommand.safeParse({ ...inner, ...own });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  return { type: "bad", problem: `${issue?.path.join(".") || "the message"}: ${issue?.message}` };
}
