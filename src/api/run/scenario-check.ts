import { FarmError } from "../../core/error/farm-error.ts";
import type { BoardSpec } from "../../core/schema/board.ts";
import { type Scenario, UNSUPPORTED_ACTIONS } from "../../core/schema/scenario.ts";
import { checkPatterns } from "../../pattern/check-patterns.ts";

/**
 * Whether a board can do all that a scenario asks for: what it cannot do is refused before anything is started.
 * @throws {FarmError} InvalidPattern, NotSupportedByBoard
 */
export function checkScenario(scenario: Scenario, boardName: string, board: BoardSpec): void {
  for (const [index, step] of scenario.steps.entries()) {
    const action = UNSUPPORTED_ACTIONS.find((one) => step[one] !== undefined);
    if (action === undefined) continue;
    const problem = "no board can do it yet";
    throw new FarmError("NotSupportedByBoard", { what: `Step ${index + 1} (${action})`, board: boardName, problem });
  }
  const uarts = board.uarts.map(({ name }) => name);
  for (const uart of uartsOf(scenario)) {
    if (uarts.includes(uart)) continue;
    const problem = `its UARTs are ${uarts.join(", ")}`;
    throw new FarmError("NotSupportedByBoard", { what: `UART ${uart}`, board: boardName, problem });
  }
  checkPatterns(scenario);
}

/** Every UART that a scenario names. */
function uartsOf({ steps, fail, monitors }: Scenario): Set<string> {
  const places = [...steps.flatMap((step) => [step["wait-serial"], step["write-serial"]]), ...fail, ...monitors];
  const names = new Set<string>();
  for (const place of places) {
    if (typeof place === "object" && !Array.isArray(place) && place.uart !== undefined) names.add(place.uart);
  }
  return names;
}
