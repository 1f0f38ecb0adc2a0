import { FarmError } from "../error/farm-error.ts";
import { type GpioLine, GpioLines } from "../gpio/gpio-line.ts";
import type { Scenario, ScenarioStep } from "../schema/scenario.ts";
import { Circuit } from "./circuit.ts";
import { diagramBoard, type WiredBoard } from "./diagram-board.ts";

/**
 * Carries a scenario's diagram and its steps about parts out on paper, so that what a part or a board lacks is told
 * before anything starts.
 * @throws {FarmError} NotSupportedByBoard, NotFound, InvalidRequest; `place` in its details is where in the scenario
 */
export function checkDiagram(scenario: Scenario, board: { readonly name: string; readonly spec: WiredBoard }): void {
  const circuit = scenario.diagram && new Circuit(scenario.diagram, diagramBoard(board.name, board.spec));
  const lines = new GpioLines(board.name, board.spec.gpio);
  const checkLevels = (what: string, place: string) => {
    const line = [...(circuit?.levels().keys() ?? [])].map((name) => lines.find(name)).find(({ isInput }) => !isInput);
    if (!line) return;
    const problem = `line ${line.name} cannot be driven from outside`;
    throw new FarmError("NotSupportedByBoard", { what, board: board.name, problem, place });
  };
  checkLevels("In the diagram, a button, switch or resistor", "diagram");
  for (const [index, step] of scenario.steps.entries()) {
    const action = PART_ACTIONS.find((name) => step[name] !== undefined);
    if (action === undefined) continue;
    const place = `steps.${index}.${action}`;
    try {
      if (!circuit && action === "set-control") throw noDiagram(board.name, index);
      performOnPaper(step, circuit, lines);
    } catch (error) {
      throw error instanceof FarmError ? atPlace(error, place) : error;
    }
    checkLevels(`step ${index + 1} (${action})`, place);
  }
}

const PART_ACTIONS = ["set-control", "expect-pin", "set-pin"] as const;

function performOnPaper(step: ScenarioStep, circuit: Circuit | undefined, lines: GpioLines): void {
  const { "set-control": control, "expect-pin": expected, "set-pin": driven } = step;
  if (control) circuit?.setControl(control["part-id"], control.control, control.value);
  const pin = expected ?? driven;
  if (pin?.["part-id"] === undefined) return;
  const name = String(pin.pin ?? pin.name);
  // Without a diagram, a part can only be the board.
  const sensed = circuit ? circuit.sense(pin["part-id"], name) : { line: name };
  const line = "line" in sensed ? lines.find(sensed.line) : undefined;
  const problem = driven ? obstacleToDriving(line) : line && !line.isOutput ? "cannot be seen from outside" : undefined;
  if (problem === undefined) return;
  throw new FarmError("InvalidRequest", { problems: `pin ${name} of ${pin["part-id"]} ${problem}` });
}

function obstacleToDriving(line: GpioLine | undefined): string | undefined {
  if (!line) return "is on no line of the board";
  return line.isInput ? undefined : "cannot be driven from outside";
}

function noDiagram(board: string, index: number): FarmError {
  const problem = "no diagram.json is beside the scenario, so that nothing is known of parts";
  return new FarmError("NotSupportedByBoard", { what: `step ${index + 1} (set-control)`, board, problem });
}

function atPlace(error: FarmError, place: string): FarmError {
  return FarmError.fromBody({ ...error.toBody(), details: { place, ...error.details } });
}
