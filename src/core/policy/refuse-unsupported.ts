import { checkDiagram } from "../diagram/check-diagram.ts";
import { FarmError } from "../error/farm-error.ts";
import type { BoardSpec } from "../schema/board.ts";
import { type Scenario, UNSUPPORTED_ACTIONS } from "../schema/scenario.ts";
import type { TakeScreenshot } from "../schema/screenshot-step.ts";
import { refusePins } from "./refuse-pins.ts";
import { channelsNamedIn, textChannels } from "./text-channels.ts";

/**
 * Refuses a scenario that asks for what the board does not have, before anything is started.
 * @throws {FarmError} NotSupportedByBoard; `place` in its details is where in the scenario, such as `steps.1.set-pin`
 */
export function refuseUnsupported(
  scenario: Scenario,
  board: { name: string; spec: Pick<BoardSpec, "uarts" | "semihosting" | "gpio" | "diagram" | "display"> },
): void {
  for (const [index, step] of scenario.steps.entries()) {
    const action = UNSUPPORTED_ACTIONS.find((name) => step[name] !== undefined);
    if (action === undefined) continue;
    const problem = "the farm cannot do that step yet";
    throw unsupported(board.name, `step ${index + 1} (${action})`, `steps.${index}.${action}`, problem);
  }
  const uarts = textChannels(board.spec);
  for (const { what, uart, place } of channelsNamedIn(scenario)) {
    if (uarts.includes(uart)) continue;
    throw unsupported(board.name, `${what} on UART ${uart}`, place, `the board has ${uarts.join(", ")}`);
  }
  refusePins(scenario, board);
  refuseScreenshots(scenario, board);
  checkDiagram(scenario, board);
}

function refuseScreenshots(
  { steps }: Scenario,
  { name, spec }: { name: string; spec: Pick<BoardSpec, "display"> },
): void {
  for (const [index, step] of steps.entries()) {
    const screenshot = step["take-screenshot"];
    if (!screenshot) continue;
    const problem = problemOfScreenshot(screenshot, spec);
    if (problem === undefined) continue;
    throw unsupported(name, `step ${index + 1} (take-screenshot)`, `steps.${index}.take-screenshot`, problem);
  }
}

function problemOfScreenshot(screenshot: TakeScreenshot, { display }: Pick<BoardSpec, "display">): string | undefined {
  if (!display) return "it has no display";
  const part = screenshot["part-id"];
  if (part !== undefined) return `its display is the board's own, and no part ${part} of a diagram`;
  if (typeof screenshot["compare-with"] === "string")
    return "the picture to compare with has not come with the scenario";
  return undefined;
}

function unsupported(board: string, what: string, place: string, problem: string): FarmError {
  return new FarmError("NotSupportedByBoard", { what, board, problem, place });
}
