import { createInterface } from "node:readline";
import { FarmError } from "../../core/error/farm-error.ts";
import { openTarget } from "../channel/open-target.ts";
import type { Target } from "../channel/target.ts";
import { EXIT } from "../exit-code.ts";
import type { FarmOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";

interface MonitorOptions extends FarmOptions {
  readonly cpu?: number;
}

/** `emufarm monitor`: the emulator's monitor for people, read-only; one line, or a prompt. */
export async function monitor(
  surroundings: Surroundings,
  name: string,
  words: readonly string[],
  { cpu, ...options }: MonitorOptions,
): Promise<number> {
  const { stdin, stdout, stderr, interrupted } = surroundings;
  await using target = await openTarget(surroundings, name, options);
  if (words.length > 0) {
    stdout.write(await ask(target, words.join(" "), cpu));
    return EXIT.passed;
  }
  const isPrompting = stdin.isTTY === true;
  const lines = createInterface({
    input: stdin,
    ...(isPrompting && { output: stdout, prompt: "(qemu) " }),
    signal: interrupted,
  });
  if (isPrompting) stdout.write(`The monitor of ${target.name}, read-only: help tells more, Ctrl-D ends\n`);
  let isFailed = false;
  if (isPrompting) lines.prompt();
  for await (const line of lines) {
    try {
      stdout.write(await ask(target, line, cpu));
    } catch (error) {
      const { code, message } = FarmError.from(error);
      if (code !== "MonitorCommandRefused") throw error;
      // A line in vain does not end the conversation.
      isFailed = true;
      stderr.write(`${message}\n`);
    }
    if (isPrompting) lines.prompt();
  }
  return isFailed && !isPrompting ? EXIT.badRequest : EXIT.passed;
}

async function ask(target: Target, command: string, cpu: number | undefined): Promise<string> {
  const body = { command, ...(cpu !== undefined && { cpu }) };
  const { output } = await target.request<{ readonly output: string }>({ method: "POST", path: "monitor", body });
  return output;
}
