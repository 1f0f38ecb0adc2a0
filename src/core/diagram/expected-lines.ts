import { type GpioLine, GpioLines } from "../gpio/gpio-line.ts";
import type { Scenario } from "../schema/scenario.ts";
import { Circuit } from "./circuit.ts";
import { diagramBoard, type WiredBoard } from "./diagram-board.ts";

/**
 * The lines that a scenario looks at, by their own names or by parts of its diagram.
 * @throws {FarmError} as `checkDiagram`, UnknownPin
 */
export function expectedLines(
  scenario: Scenario,
  board: { readonly name: string; readonly spec: WiredBoard },
): GpioLine[] {
  const circuit = scenario.diagram && new Circuit(scenario.diagram, diagramBoard(board.name, board.spec));
  const lines = new GpioLines(board.name, board.spec.gpio);
  const expected = new Set<GpioLine>();
  for (const step of scenario.steps) {
    const { "set-control": control, "expect-pin": pin } = step;
    if (control) circuit?.setControl(control["part-id"], control.control, control.value);
    if (!pin) continue;
    const name = pin.pin ?? pin.name ?? "";
    const part = pin["part-id"];
    const sensed = circuit && part !== undefined ? circuit.sense(part, String(name)) : { line: name };
    if ("line" in sensed) expected.add(lines.find(sensed.line));
  }
  return [...expected];
}
