import { FarmError } from "../error/farm-error.ts";
import { type GpioLine, GpioLines } from "../gpio/gpio-line.ts";
import type { BoardSpec } from "../schema/board.ts";
import type { DiagramBoard } from "./circuit.ts";

/** What of a board its diagrams need. */
export type WiredBoard = Pick<BoardSpec, "gpio" | "diagram">;

/** Types of parts that stand for a board in a diagram. */
export function diagramParts(name: string, { diagram }: Pick<BoardSpec, "diagram">): string[] {
  return [`board-${name}`, ...(diagram?.parts ?? [])];
}

/** A board as its diagrams see it: pins by the names of its part, then lines by their own names and numbers. */
export function diagramBoard(name: string, spec: WiredBoard): DiagramBoard {
  const lines = new GpioLines(name, spec.gpio);
  const pins = spec.diagram?.pins ?? {};
  return {
    name,
    parts: diagramParts(name, spec),
    lineOf: (pin) => findLine(lines, (Object.hasOwn(pins, pin) ? pins[pin] : undefined) ?? pin)?.name,
  };
}

function findLine(lines: GpioLines, name: string): GpioLine | undefined {
  try {
    return lines.find(name);
  } catch (error) {
    if (error instanceof FarmError && error.code === "UnknownPin") return undefined;
    throw error;
  }
}
