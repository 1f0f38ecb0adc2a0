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

/** Who writes, and what was left out, in words. */
function tellNotice(data: Buffer, say: (text: string) => void): void {
  const notice = JSON.parse(data.toString("utf8")) as Record<string, unknown>;
  if (notice.type === "gap") say(`${notice.bytes ?? "some"} bytes are left out here`);
  if (notice.type === "readOnly" || notice.isWriter === false) say("somebody else writes; you only read");
}
