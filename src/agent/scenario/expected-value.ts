/** True when the value is the expected one; of objects, in the keys that are given. */
export function isLike(value: unknown, expected: unknown): boolean {
  if (typeof expected !== "object" || expected === null) return Object.is(value, expected);
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(expected)) {
    return (
      Array.isArray(value) && value.length === expected.length && expected.every((one, at) => isLike(value[at], one))
    );
  }
  return Object.entries(expected).every(([key, one]) => isLike((value as Record<string, unknown>)[key], one));
}
