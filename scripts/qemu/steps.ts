import { say } from "../setup/say.mjs";

/** Tells what is being done, a line each step, with the seconds since the start. */
export interface Steps {
  tell(line: string): void;
  seconds(): number;
}

export function tellSteps(tell: (line: string) => void = say): Steps {
  const started = performance.now();
  const seconds = () => Math.round((performance.now() - started) / 1000);
  return { seconds, tell: (line) => tell(`qemu, ${String(seconds()).padStart(4)} s: ${line}`) };
}
