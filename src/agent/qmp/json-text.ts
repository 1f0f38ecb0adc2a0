/** A value of JSON in words. Not by String(): an object with a `toString` of its own in it makes that throw. */
export function jsonText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "nothing");
}
