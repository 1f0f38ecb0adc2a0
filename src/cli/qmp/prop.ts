import { FarmError } from "../../core/error/farm-error.ts";
import type { PropertyEntry, PropertyValue } from "../../core/wire/property.ts";
import { openTarget } from "../channel/open-target.ts";
import type { Target } from "../channel/target.ts";
import { type JsonOptions, jsonText } from "../command/json-option.ts";
import { EXIT } from "../exit-code.ts";
import { painter } from "../screen/style.ts";
import { textTable } from "../screen/table.ts";
import type { Surroundings } from "../surroundings.ts";
import { listObject } from "./property-words.ts";

type Given = readonly [path: string | undefined, name: string | undefined, value: string | undefined];

/** `emufarm prop TARGET list|get|set`: properties of the emulator's objects, by their paths. */
export async function prop(
  surroundings: Surroundings,
  name: string,
  action: string,
  path: string | undefined,
  property: string | undefined,
  value: string | undefined,
  options: JsonOptions,
): Promise<number> {
  const perform = ACTIONS[action];
  if (!perform) throw new FarmError("InvalidRequest", { problems: `prop knows list, get and set, not ${action}` });
  await using target = await openTarget(surroundings, name, options);
  await perform(surroundings, target, [path, property, value], options);
  return EXIT.passed;
}

const ACTIONS: Readonly<
  Record<string, (surroundings: Surroundings, target: Target, given: Given, options: JsonOptions) => Promise<void>>
> = { list, get, set };

async function list(
  { stdout, env }: Surroundings,
  target: Target,
  [path]: Given,
  { json }: JsonOptions,
): Promise<void> {
  const properties = await listObject(target, path ?? "/machine");
  if (json) {
    stdout.write(jsonText(properties));
    return;
  }
  const paint = painter(stdout, env);
  const sorted = [...properties].sort((a, b) => a.name.localeCompare(b.name));
  stdout.write(textTable(sorted.map((one) => rowOf(one, paint))));
}

function rowOf({ name, type, isSettable, description }: PropertyEntry, paint: ReturnType<typeof painter>): string[] {
  const isObject = type.startsWith("child<");
  return [isObject ? paint("cyan", `${name}/`) : name, type, isSettable ? "set" : "", description ?? ""];
}

async function get(
  { stdout }: Surroundings,
  target: Target,
  [path, name]: Given,
  { json }: JsonOptions,
): Promise<void> {
  const query = new URLSearchParams({ path: needed(path, "a path"), name: needed(name, "the name of a property") });
  const property = await target.request<PropertyValue>({ method: "GET", path: `properties?${query}` });
  const { value } = property;
  stdout.write(json ? jsonText(property) : `${typeof value === "string" ? value : JSON.stringify(value)}\n`);
}

async function set(_surroundings: Surroundings, target: Target, [path, name, text]: Given): Promise<void> {
  const body = {
    path: needed(path, "a path"),
    name: needed(name, "the name of a property"),
    value: plainValue(needed(text, "a value")),
  };
  await target.request({ method: "PUT", path: "properties", body });
}

function needed(word: string | undefined, what: string): string {
  if (word !== undefined) return word;
  throw new FarmError("InvalidRequest", { problems: `${what} is missing; such as get /machine type` });
}

function plainValue(text: string): boolean | number {
  if (/^(true|on|yes)$/.test(text)) return true;
  if (/^(false|off|no)$/.test(text)) return false;
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value)) return value;
  throw new FarmError("InvalidRequest", { problems: `${text} is neither a number nor true or false` });
}
