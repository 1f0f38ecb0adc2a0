import { once } from "node:events";
import type { Duplex } from "node:stream";
import { FarmError } from "../../core/error/farm-error.ts";
import { EXIT } from "../exit-code.ts";
import { joinInput } from "../screen/keyboard.ts";
import type { Surroundings } from "../surroundings.ts";
import type { AttachedConsole } from "./attach-console.ts";

interface RawConsole extends Omit<AttachedConsole, "open"> {
  open(): Promise<Duplex>;
}

/** Joins the terminal to the raw port of a UART until either side has enough. */
export async function attachRawConsole(
  { stdin, stdout, stderr, interrupted }: Surroundings,
  { title, isRaw, open }: RawConsole,
): Promise<number> {
  const stream = await open();
  const say = (text: string) => {
    if (!isRaw) stderr.write(`\r\nemufarm: ${text}\r\n`);
  };
  stream.pipe(stdout, { end: false });
  const leave = () => stream.destroy();
  interrupted.addEventListener("abort", leave, { once: true });
  if (stdin.isTTY) say(`attached to ${title}; Ctrl-A x detaches`);
  using _input = joinInput(stdin, Promise.resolve({ write: (bytes) => stream.write(bytes) }), leave, isRaw);
  let failure: Error | undefined;
  stream.once("error", (error) => {
    failure = error;
  });
  if (!stream.closed) await once(stream, "close");
  const broken = failure;
  if (broken instanceof Error) {
    throw new FarmError("ChannelUnreachable", { channel: "The raw port", instance: title, problem: broken.message });
  }
  say("detached");
  return EXIT.passed;
}
