import { type ScenarioStep, STEP_ACTIONS, type StepAction } from "../../core/schema/scenario.ts";
import { waitSerialSources } from "../../pattern/check-patterns.ts";
import { describePattern } from "../../pattern/pattern.ts";

const MAX_VALUE_CHARACTERS = 60;

/** The one action of a step; the schema holds that there is just one. */
export function actionOf(step: ScenarioStep): StepAction {
  const action = STEP_ACTIONS.find((name) => step[name] !== undefined);
  if (action === undefined) throw new RangeError("a step without action got past the schema");
  return action;
}

/** The step in words: its name if it has one, else the action with its value. */
export function stepTitle(step: ScenarioStep): string {
  return step.name ?? actionTitle(step);
}

/** For errors: a step's name does not say what was expected, so its action follows. */
export function stepInWords(step: ScenarioStep): string {
  return step.name === undefined ? actionTitle(step) : `${step.name} (${actionTitle(step)})`;
}

function actionTitle(step: ScenarioStep): string {
  const action = actionOf(step);
  const value = step[action];
  if (value === null || value === true) return action;
  const text = action === "wait-serial" ? waitSerialSources(step).map(describePattern).join(", ") : valueText(value);
  return `${action} ${text.length > MAX_VALUE_CHARACTERS ? `${text.slice(0, MAX_VALUE_CHARACTERS)}...` : text}`;
}

function valueText(value: unknown): string {
  if (typeof value === "object" && value !== null && "execute" in value) return String(value.execute);
  return JSON.stringify(value);
}
