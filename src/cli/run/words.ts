import { fstatSync } from "node:fs";
import type { OutputStream, Surroundings } from "../surroundings.ts";

/** The farm's words on standard error, kept apart from what the guest writes to the same place. */
export class Words {
  readonly #stderr: OutputStream;
  readonly #isShared: boolean;
  #isLineOpen = false;

  constructor({ stdout, stderr }: Pick<Surroundings, "stdout" | "stderr">) {
    this.#stderr = stderr;
    this.#isShared = (stdout.isTTY && stderr.isTTY) || isSameFile(stdout.fd, stderr.fd);
  }

  /** To be called with what the guest has written: it may end in the middle of a line. */
  noteOutput(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#isLineOpen = chunk.at(-1) !== NEW_LINE;
  }

  say(text: string): void {
    const newLine = this.#isShared && this.#isLineOpen ? "\n" : "";
    this.#isLineOpen = false;
    this.#stderr.write(`${newLine}emufarm: ${text}\n`);
  }
}

const NEW_LINE = 0x0a;

function isSameFile(one: number, other: number): boolean {
  const [first, second] = [fstatSync(one), fstatSync(other)];
  return first.dev === second.dev && first.ino === second.ino;
}
