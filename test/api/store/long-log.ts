const LINES = 1_000;

/** A log that is too long to lie in a verdict, another one for each job. */
export function longLog(jobId: string): Buffer {
  return Buffer.from(Array.from({ length: LINES }, (_, line) => `${jobId} line ${line}\n`).join(""));
}
