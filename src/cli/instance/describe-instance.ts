import { instanceRows, nextSteps } from "../cluster/instance-text.ts";
import { objectText } from "../cluster/object-text.ts";
import { type JsonOptions, jsonText } from "../command/json-option.ts";
import { EXIT } from "../exit-code.ts";
import { followUp } from "../farm/follow-up.ts";
import { painter } from "../screen/style.ts";
import type { Surroundings } from "../surroundings.ts";
import { openFarmPlace } from "./farm-place.ts";

/** `emufarm describe emu/NAME` of a farm on one machine. */
export async function describeInstance(
  surroundings: Surroundings,
  name: string,
  options: JsonOptions,
): Promise<number> {
  const { stdout, env } = surroundings;
  await using place = await openFarmPlace(surroundings, options);
  const object = await place.get(name);
  const next = (...words: string[]) => followUp(surroundings, options, words);
  const described = { object, rows: instanceRows(object), events: [], next: nextSteps(object, next) };
  stdout.write(options.json ? jsonText(object) : objectText(described, painter(stdout, env), Date.now()));
  return EXIT.passed;
}
