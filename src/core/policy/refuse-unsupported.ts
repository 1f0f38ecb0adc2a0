import { FarmError } from "../error/farm-error.ts";
import type { BoardSpec } from "../schema/board.ts";
import { type Scenario, STEP_ACTIONS, type StepAction, UNSUPPORTED_ACTIONS } from "../schema/scenario.ts";

/**
 * Refuses a scenario that asks for what the board does not have, before anything is started.
 * @throws {FarmError} NotSupportedByBoard
 */
export function refuseUnsupported(scenario: Scenario, board: { name: string; spec: Pick<BoardSpec, "uarts"> }): void {
  for (const [index, step] of scenario.steps.entries()) {
    const action = STEP_ACTIONS.find((name) => step[name] !== undefined && UNSUPPORTED_ACTIONS.includes(name));
    if (action) throw unsupported(board.name, `step ${index + 1} (${action})`, "the farm cannot do that step yet");
  }
  const uarts = board.spec.uarts.map(({ name }) => name);
  for (const { what, uart } of uartsOf(scenario)) {
    if (uarts.includes(uart)) continue;
    throw unsupported(board.name, `${what} on UART ${uart}`, `the board has ${uarts.join(", ")}`);
  }
}

function unsupported(board: string, what: string, problem: string): FarmError {
  return new FarmError("NotSupportedByBoard", { what, board, problem });
}

function uartsOf(scenario: Scenario): { what: string; uart: string }[] {
  const serialActions: readonly StepAction[] = ["wait-serial", "write-serial"];
  const ofSteps = scenario.steps.flatMap((step, index) =>
    serialActions.map((action) => ({ what: `step ${index + 1} (${action})`, uart: uartOf(step[action]) })),
  );
  const ofFail = scenario.fail.map((one, index) => ({ what: `fail pattern ${index + 1}`, uart: uartOf(one) }));
  const ofMonitors = scenario.monitors.map((one, index) => ({ what: `monitor ${index + 1}`, uart: uartOf(one) }));
  return [...ofSteps, ...ofFail, ...ofMonitors].flatMap(({ what, uart }) =>
    uart === undefined ? [] : [{ what, uart }],
  );
}

function uartOf(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || !("uart" in value)) return undefined;
  return typeof value.uart === "string" ? value.uart : undefined;
}
