/** Types of QOM properties whose values can name neither a file nor a socket nor another object. */
const PLAIN_TYPE = /^(bool|number|u?int(8|16|32|64)?)$/;
/** Plain as they are, these take the device out of its machine. */
const UNSETTABLE_NAMES: ReadonlySet<string> = new Set(["realized", "hotplugged", "hotpluggable", "attached"]);

/** True where a property may be set from outside, as far as its name and type tell. */
export function isSettable({ name, type }: { readonly name: string; readonly type: string }): boolean {
  return PLAIN_TYPE.test(type) && !UNSETTABLE_NAMES.has(name);
}

/** True for a type that holds objects rather than points to them: only these are the board's own. */
export function isChildType(type: string): boolean {
  return type.startsWith("child<");
}

/** The steps from the machine to an object of its own; undefined for a path that begins elsewhere. */
export function stepsWithinMachine(path: string): string[] | undefined {
  const [root, machine, ...steps] = path.split("/");
  if (root !== "" || machine !== "machine" || steps.includes("")) return undefined;
  return steps;
}
