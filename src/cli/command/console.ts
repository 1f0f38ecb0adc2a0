import { EXIT } from "../exit-code.ts";
import { connectFarm } from "../farm/find-farm.ts";
import type { FarmOptions } from "../farm-options.ts";
import { joinInput } from "../screen/keyboard.ts";
import type { Surroundings } from "../surroundings.ts";
import { consoleOfJob } from "./job-uart.ts";

interface ConsoleOptions extends FarmOptions {
  readonly raw?: true;
}

/** `emufarm console`: a UART of a running job, what it has written so far first. */
export async function console(
  surroundings: Surroundings,
  jobId: string,
  uart: string | undefined,
  options: ConsoleOptions,
): Promise<number> {
  const { stdin, stdout, stderr, interrupted } = surroundings;
  await using farm = await connectFarm(surroundings, options);
  const name = uart ?? (await consoleOfJob(farm, jobId));
  const say = (text: string) => {
    if (!options.raw) stderr.write(`\r\nemufarm: ${text}\r\n`);
  };
  const socket = await farm.openConsole(jobId, name, (data, isText) => {
    if (!isText) stdout.write(data);
    else tellNotice(data, say);
  });
  const closed = new Promise<void>((resolve) => {
    socket.on("close", () => resolve());
    interrupted.addEventListener("abort", () => resolve(), { once: true });
  });
  if (stdin.isTTY) say(`attached to ${name} of ${jobId}; Ctrl-A x detaches`);
  const input = { write: (bytes: Uint8Array) => socket.send(bytes) };
  using _input = joinInput(stdin, Promise.resolve(input), () => socket.close(), options.raw);
  await closed;
  socket.terminate();
  say("detached");
  return EXIT.passed;
}

/** What the console's text messages tell, as far as a person has to know it. */
interface Notice {
  readonly type: string;
  readonly bytes?: number;
  readonly isYou?: boolean;
  readonly reason?: string;
}

function tellNotice(data: Buffer, say: (text: string) => void): void {
  const { type, bytes = 0, isYou, reason } = JSON.parse(data.toString("utf8")) as Notice;
  if (type === "gap") say(`${bytes} bytes are left out here`);
  if (type === "writer" && isYou === false) say("somebody else writes: you read only, until they have gone");
  if (type === "inputRefused") say(`${bytes} bytes were not taken: ${REFUSALS[reason ?? ""] ?? "the board is off"}`);
}

const REFUSALS: Readonly<Record<string, string>> = {
  writer: "somebody else writes",
  full: "the guest does not read",
};
