import type { ReadStream } from "node:tty";

interface Input {
  write(bytes: Uint8Array): void;
}

const CTRL_A = 0x01;
const END_KEY = "x".charCodeAt(0);

/**
 * Passes what is typed on to a guest. On a terminal every key goes to the guest as it is, Ctrl-C too; Ctrl-A x ends,
 * Ctrl-A Ctrl-A sends one Ctrl-A. From a file or pipe the bytes go through unchanged.
 */
export function joinInput(
  stdin: ReadStream,
  opening: Promise<(Input & Partial<Disposable>) | undefined>,
  onEnd: () => void,
): Disposable {
  const isTerminal = stdin.isTTY === true;
  const early: Uint8Array[] = [];
  let input: (Input & Partial<Disposable>) | undefined;
  let isOver = false;
  const keys = isTerminal ? new EscapeKeys() : undefined;
  const onData = (bytes: Buffer) => {
    const { bytes: passed, isEnd } = keys?.read(bytes) ?? { bytes, isEnd: false };
    if (passed.length > 0) {
      if (input) input.write(passed);
      else early.push(passed);
    }
    if (isEnd) onEnd();
  };
  if (isTerminal) stdin.setRawMode(true);
  stdin.on("data", onData);
  opening.then(
    (opened) => {
      if (isOver) return opened?.[Symbol.dispose]?.();
      input = opened;
      for (const bytes of early.splice(0)) opened?.write(bytes);
    },
    // A guest that ended before it took input is told by its outcome.
    () => {},
  );
  return {
    [Symbol.dispose]() {
      isOver = true;
      stdin.off("data", onData);
      if (isTerminal) stdin.setRawMode(false);
      stdin.pause();
      input?.[Symbol.dispose]?.();
    },
  };
}

/** Finds the escape key in what is typed; the key after it may come in a later piece. */
export class EscapeKeys {
  #isEscaped = false;

  read(bytes: Uint8Array): { bytes: Uint8Array; isEnd: boolean } {
    const passed: number[] = [];
    for (const byte of bytes) {
      if (!this.#isEscaped) {
        if (byte === CTRL_A) this.#isEscaped = true;
        else passed.push(byte);
        continue;
      }
      this.#isEscaped = false;
      if (byte === END_KEY) return { bytes: Uint8Array.from(passed), isEnd: true };
      if (byte === CTRL_A) passed.push(CTRL_A);
      else passed.push(CTRL_A, byte);
    }
    return { bytes: Uint8Array.from(passed), isEnd: false };
  }
}
