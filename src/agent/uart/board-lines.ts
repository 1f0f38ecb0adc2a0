import type { UartSpec } from "../../core/schema/board.ts";
import type { ControlLines } from "../../core/serial/com-port-server.ts";
import { type LineWiring, lineEffect } from "../../core/serial/line-effect.ts";

/** The lines of a UART as its board is wired. */
export interface BoardLines {
  /** What the change does to the board; undefined: nothing. */
  effect(now: ControlLines, before: ControlLines): (() => Promise<void>) | undefined;
  /** Sends a break. */
  sendBreak(): Promise<void>;
}

/** A guest, as far as lines do something to it. */
interface LineGuest {
  reset(): Promise<void>;
  sendBreak(uart: UartSpec): Promise<void>;
}

export function boardLines(guest: LineGuest, uart: UartSpec): BoardLines {
  const wiring: LineWiring = uart.controlLines ?? {};
  const acts = { reset: () => guest.reset(), break: () => guest.sendBreak(uart) };
  return {
    effect(now, before) {
      const effect = lineEffect(wiring, now, before);
      return effect && acts[effect];
    },
    sendBreak: () => acts[wiring.break === "reset" ? "reset" : "break"](),
  };
}
