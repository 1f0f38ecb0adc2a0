import { FarmError } from "../../core/error/farm-error.ts";
import { openTarget } from "../channel/open-target.ts";
import { targetNamed } from "../channel/target-word.ts";
import { type JsonOptions, jsonText } from "../command/json-option.ts";
import { EXIT } from "../exit-code.ts";
import type { Surroundings } from "../surroundings.ts";
import { awaitInstance, type WaitOptions } from "./await-instance.ts";
import { instanceNamed, openInstancePlace } from "./instance-place.ts";

const SWITCHES = {
  on: { steps: ["On"], said: "is on" },
  off: { steps: ["Off"], said: "is off" },
  cycle: { steps: ["Off", "On"], said: "was switched off and on" },
} as const;
type Switch = keyof typeof SWITCHES;

/** `emufarm power TARGET on|off|cycle`. */
export async function power(
  surroundings: Surroundings,
  word: string,
  position: string,
  options: JsonOptions & WaitOptions,
): Promise<number> {
  const chosen = SWITCHES[position as Switch];
  if (!chosen) throw new FarmError("InvalidRequest", { problems: `power takes on, off or cycle, not ${position}` });
  if (targetNamed(word).kind === "job") {
    const actions = chosen.steps.map((step) => `power${step}` as const);
    return await controlJob(surroundings, word, actions, chosen.said, options);
  }
  const name = instanceNamed(word, "power");
  await using place = await openInstancePlace(surroundings, options);
  let instance = await place.get(name);
  for (const step of chosen.steps) {
    instance = await awaitInstance(place, await place.patch(name, { power: step }), surroundings.interrupted, options);
  }
  surroundings.stdout.write(options.json ? jsonText(instance) : `${name} ${chosen.said}.\n`);
  return EXIT.passed;
}

/** `emufarm reset TARGET`: as its reset button does. */
export async function reset(
  surroundings: Surroundings,
  word: string,
  options: JsonOptions & WaitOptions,
): Promise<number> {
  if (targetNamed(word).kind === "job") return await controlJob(surroundings, word, ["reset"], "was reset", options);
  const name = instanceNamed(word, "reset");
  await using place = await openInstancePlace(surroundings, options);
  const { spec } = await place.get(name);
  if (spec.power === "Off" || (spec.power as unknown) === false) {
    throw new FarmError("Conflict", { what: `A reset of ${name}`, problem: "it is switched off" });
  }
  const patched = await place.patch(name, { resetCount: (spec.resetCount ?? 0) + 1 });
  const instance = await awaitInstance(place, patched, surroundings.interrupted, options);
  surroundings.stdout.write(options.json ? jsonText(instance) : `${name} was reset.\n`);
  return EXIT.passed;
}

/** `emufarm pause TARGET`: its CPU stops; a debugger, QMP and the pins reach it still. */
export function pause(surroundings: Surroundings, word: string, options: JsonOptions & WaitOptions): Promise<number> {
  return setPaused(surroundings, word, { verb: "pause", isPaused: true, said: "is paused" }, options);
}

/** `emufarm resume TARGET`: its CPU goes on. */
export function resume(surroundings: Surroundings, word: string, options: JsonOptions & WaitOptions): Promise<number> {
  return setPaused(surroundings, word, { verb: "resume", isPaused: false, said: "goes on" }, options);
}

interface Pausing {
  readonly verb: "pause" | "resume";
  readonly isPaused: boolean;
  readonly said: string;
}

async function setPaused(
  surroundings: Surroundings,
  word: string,
  { verb, isPaused, said }: Pausing,
  options: JsonOptions & WaitOptions,
): Promise<number> {
  if (targetNamed(word).kind === "job") return await controlJob(surroundings, word, [verb], said, options);
  const name = instanceNamed(word, verb);
  await using place = await openInstancePlace(surroundings, options);
  const { spec, status } = await place.get(name);
  const isOff = spec.power === "Off" || (spec.power as unknown) === false;
  const isOver = status?.phase === "Succeeded" || status?.phase === "Failed";
  if (isOff || isOver) {
    const problem = isOff ? "it is switched off" : `its guest has ended; emufarm reset ${name} starts it again`;
    throw new FarmError("Conflict", { what: `To ${verb} ${name}`, problem });
  }
  const patched = await place.patch(name, { paused: isPaused });
  const instance = await awaitInstance(place, patched, surroundings.interrupted, options);
  surroundings.stdout.write(options.json ? jsonText(instance) : `${name} ${said}.\n`);
  return EXIT.passed;
}

async function controlJob(
  surroundings: Surroundings,
  id: string,
  actions: readonly ("powerOn" | "powerOff" | "reset" | "pause" | "resume")[],
  said: string,
  options: JsonOptions,
): Promise<number> {
  await using target = await openTarget(surroundings, id, options);
  for (const action of actions) await target.request({ method: "POST", path: "control", body: { action } });
  surroundings.stdout.write(options.json ? jsonText({ job: id, actions }) : `${id} ${said}.\n`);
  return EXIT.passed;
}
