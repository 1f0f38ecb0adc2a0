import type { GpioLine } from "../../core/gpio/gpio-line.ts";
import type { GpioMessage, GpioState } from "../../core/wire/gpio.ts";
import type { GpioBank } from "./gpio-bank.ts";
import type { EdgeBatch } from "./gpio-edges.ts";
import type { MergedEdges } from "./gpio-viewer.ts";

const NOTHING = { observes: "none", drives: false, raisesInterrupts: false, timestamps: false, ports: "all" } as const;

/** Every line of a bank as it stands. */
export function gpioStateOf(bank: GpioBank): GpioState {
  const { boot, isConnected, abilities = NOTHING } = bank;
  const { observes, drives, raisesInterrupts, timestamps, ports } = abilities;
  return {
    boot,
    isConnected,
    abilities: { observes, drives, raisesInterrupts, timestamps, ports },
    lines: bank.lines.all.map((line) => ({
      ...identityOf(line.number, line),
      name: line.name,
      level: bank.level(line.number) ?? null,
      driven: bank.driven(line.number) ?? null,
      isInput: line.isInput,
      isOutput: line.isOutput,
      isGuestDriven: bank.isGuestDriven(line.number),
    })),
    refused: bank.counters.refused,
  };
}

/** Edges as the WebSocket tells them. */
export function edgesMessage({ lines }: GpioBank, { boot, clock, edges }: EdgeBatch): GpioMessage {
  return {
    type: "edges",
    boot,
    clock,
    edges: edges.map(({ line: number, level, timeNs, by }) => {
      return { ...identityOf(number, lines.at(number)), level, timeNs, by };
    }),
  };
}

export function mergedMessage({ lines }: GpioBank, { lines: merged, ...how }: MergedEdges): GpioMessage {
  return {
    type: "merged",
    ...how,
    lines: merged.map(({ line: number, ...rest }) => ({ ...identityOf(number, lines.at(number)), ...rest })),
  };
}

/** What people call a line, and what the line protocol does. */
function identityOf(
  number: number,
  line: Pick<GpioLine, "name" | "label"> | undefined,
): { line: string; number: number } {
  return { line: line?.label ?? line?.name ?? String(number), number };
}
