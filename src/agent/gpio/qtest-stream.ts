import type { Level } from "../../core/gpio/gpio-line.ts";

/** What an emulator says on its qtest channel (QEMU's system/qtest.c). */
export interface QtestReader {
  /** An output changed; the farm's own emulator tells the virtual time and the device. */
  onEdge(index: number, level: Level, virtualNs: number | undefined, device: string | undefined): void;
  /** A command was answered; undefined: with OK. */
  onAnswer(problem: string | undefined): void;
}

/** A longer line is none of qtest's. */
const MAX_LINE_CHARACTERS = 4_096;

/** Takes the stream apart, whatever its chunks. Returns what takes the next chunk; false: this is no qtest. */
export function createQtestParser(reader: QtestReader): (chunk: Buffer) => boolean {
  let rest = "";
  return (chunk) => {
    const text = rest + chunk.toString("latin1");
    let from = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", from)) {
      if (end - from > MAX_LINE_CHARACTERS || !readLine(text, from, end, reader)) return false;
      from = end + 1;
    }
    rest = text.slice(from);
    return rest.length <= MAX_LINE_CHARACTERS;
  };
}

/** By hand: a guest may change its pins a hundred thousand times a second. */
function readLine(text: string, from: number, end: number, reader: QtestReader): boolean {
  if (text.startsWith("IRQ ", from)) {
    const edge = from + 4;
    const isRaised = text.startsWith("raise ", edge);
    if (!isRaised && !text.startsWith("lower ", edge)) return false;
    const number = edge + 6;
    const afterNumber = wordEnd(text, number, end);
    const index = Number(text.slice(number, afterNumber));
    if (!Number.isInteger(index)) return false;
    const afterTime = wordEnd(text, afterNumber + 1, end);
    const time = afterNumber < end ? Number(text.slice(afterNumber + 1, afterTime)) : undefined;
    const device = afterTime < end ? text.slice(afterTime + 1, end) : undefined;
    reader.onEdge(index, isRaised ? 1 : 0, time, device);
    return true;
  }
  if (text.startsWith("OK", from)) reader.onAnswer(undefined);
  else if (text.startsWith("FAIL", from)) reader.onAnswer(text.slice(from + 5, end) || "it said no more");
  else return false;
  return true;
}

function wordEnd(text: string, from: number, end: number): number {
  const space = text.indexOf(" ", from);
  return space === -1 || space > end ? end : space;
}
