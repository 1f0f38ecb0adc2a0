/** The wall clock's time as the API wants it where it counts microseconds. */
export function microTime(): string {
  return new Date().toISOString().replace("Z", "000Z");
}
