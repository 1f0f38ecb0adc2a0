import { z } from "zod";

/** What a viewer of a UART may ask for by a text message of its WebSocket. */
export const uartRequest = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("takePen") }).describe("Become the one who writes."),
  z.strictObject({ type: z.literal("break") }).describe("Send a break on the line; for the one who writes."),
]);

export type UartRequest = z.infer<typeof uartRequest>;

/** What a text message asks for; undefined: nothing that is known. */
export function readUartRequest(text: string): UartRequest | undefined {
  try {
    return uartRequest.safeParse(JSON.parse(text)).data;
  } catch {
    // Not JSON.
    return undefined;
  }
}

/** What a viewer of a UART is told beside the bytes, by text messages of its WebSocket. */
export type UartNotice =
  /** So many bytes were skipped here, because the viewer was too slow or came too late. */
  | { readonly type: "gap"; readonly bytes: number }
  /** A boot begins here. */
  | { readonly type: "boot"; readonly boot: number }
  /** The board is off, until a boot is told. */
  | { readonly type: "off" }
  /** Who writes now: a viewer's label, or null for nobody. */
  | { readonly type: "writer"; readonly writer: string | null; readonly isYou: boolean }
  /** What you wrote was not taken, because another one writes or no guest is there. */
  | { readonly type: "inputRefused"; readonly bytes: number; readonly reason: "writer" | "off" | "full" };
