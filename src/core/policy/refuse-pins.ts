import { FarmError } from "../error/farm-error.ts";
import { type GpioLine, GpioLines, lineInWords } from "../gpio/gpio-line.ts";
import type { BoardSpec } from "../schema/board.ts";
import type { BoardGpio } from "../schema/board-gpio.ts";
import type { Scenario, ScenarioStep } from "../schema/scenario.ts";

interface PinStep {
  readonly action: "set-pin" | "expect-pin";
  readonly step: ScenarioStep;
  readonly what: string;
  readonly place: string;
}

/**
 * Refuses steps about pins that the board does not have, or that cannot do what is asked of them. What names a part of
 * a diagram is the circuit's to check.
 * @throws {FarmError} NotSupportedByBoard, UnknownPin; `place` in its details is where in the scenario
 */
export function refusePins(scenario: Scenario, board: { name: string; spec: Pick<BoardSpec, "gpio"> }): void {
  const { gpio } = board.spec;
  const lines = new GpioLines(board.name, gpio);
  for (const pinStep of pinSteps(scenario)) {
    const { action, step, what, place } = pinStep;
    const reference = step[action];
    if (!gpio) throw unsupported(board.name, what, place, "none of its pins can be reached");
    if (reference?.["part-id"] !== undefined) continue;
    const line = findLine(lines, reference?.pin ?? reference?.name ?? "", place);
    const problem = action === "set-pin" ? obstacleToDriving(line) : obstacleToSeeing(line, gpio, step);
    if (problem !== undefined) throw unsupported(board.name, what, place, problem);
  }
  if (scenario.pins && !gpio) throw unsupported(board.name, "pins: true", "pins", "none of its pins can be reached");
}

function pinSteps({ steps }: Scenario): PinStep[] {
  const actions = ["set-pin", "expect-pin"] as const;
  return steps.flatMap((step, index) =>
    actions
      .filter((action) => step[action] !== undefined)
      .map((action) => ({ action, step, what: `step ${index + 1} (${action})`, place: `steps.${index}.${action}` })),
  );
}

function obstacleToDriving(line: GpioLine): string | undefined {
  return line.isInput ? undefined : `${lineInWords(line)} cannot be driven from outside: its model has no input there`;
}

function obstacleToSeeing(line: GpioLine, { driver }: BoardGpio, step: ScenarioStep): string | undefined {
  if (!line.isOutput)
    return `what the guest makes of ${lineInWords(line)} cannot be seen: its model has no output there`;
  if (driver !== "qom" || step.timeout === undefined) return undefined;
  return "its levels can be asked for and are not told, so that none can be waited for";
}

function findLine(lines: GpioLines, pin: number | string, place: string): GpioLine {
  try {
    return lines.find(pin);
  } catch (error) {
    if (!(error instanceof FarmError)) throw error;
    throw FarmError.fromBody({ ...error.toBody(), details: { place, ...error.details } });
  }
}

function unsupported(board: string, what: string, place: string, problem: string): FarmError {
  return new FarmError("NotSupportedByBoard", { what, board, problem, place });
}
