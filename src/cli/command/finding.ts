import type { Paint } from "../screen/style.ts";

/** One thing that `emufarm doctor` looked at. */
export interface Finding {
  readonly level: "ok" | "warn" | "fail";
  readonly subject: string;
  readonly text: string;
  /** What to do about it. */
  readonly advice?: string;
}

const FORMATS = { ok: "green", warn: "yellow", fail: "red" } as const;

export function findingText({ level, subject, text, advice }: Finding, paint: Paint): string {
  const line = `${paint(FORMATS[level], level.padEnd(4))}  ${paint("bold", subject.padEnd(10))}  ${text}\n`;
  return advice === undefined ? line : `${line}${" ".repeat(18)}${paint("dim", "do:")} ${advice}\n`;
}
