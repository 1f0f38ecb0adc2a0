import type { ControlLines } from "./com-port-server.ts";

/** What the lines of a UART are wired to on its board. */
export interface LineWiring {
  readonly rts?: LineTarget | undefined;
  readonly dtr?: LineTarget | undefined;
  readonly break?: "guest" | "reset" | undefined;
}

type LineTarget = "none" | "reset" | "resetPulse";

/** What a change of lines does to the board. */
export type LineEffect = "reset" | "break";

/**
 * Decides what a change of lines does. A line that is wired to reset holds the board there while it is active and the
 * other one is not, as the transistors of most development boards do it; the board starts anew when it is let go.
 */
export function lineEffect(wiring: LineWiring, now: ControlLines, before: ControlLines): LineEffect | undefined {
  if (isHeld(wiring, before) && !isHeld(wiring, now)) return "reset";
  const isPulsed = (line: "rts" | "dtr") => wiring[line] === "resetPulse" && now[line] && !before[line];
  if (isPulsed("rts") || isPulsed("dtr")) return "reset";
  if (!now.break || before.break) return undefined;
  return wiring.break === "reset" ? "reset" : "break";
}

function isHeld({ rts, dtr }: LineWiring, lines: ControlLines): boolean {
  return (rts === "reset" && lines.rts && !lines.dtr) || (dtr === "reset" && lines.dtr && !lines.rts);
}
