import { once } from "node:events";
import { openTarget } from "../channel/open-target.ts";
import { chooseUart } from "../channel/target.ts";
import { EXIT } from "../exit-code.ts";
import { tellAbsence } from "../farm/absence.ts";
import type { FarmOptions } from "../farm-options.ts";
import { Words } from "../run/words.ts";
import type { Surroundings } from "../surroundings.ts";

interface LogsOptions extends FarmOptions {
  readonly follow?: true;
}

/** `emufarm logs`: what the guest of a job or an instance wrote on a UART, its bytes as they were. */
export async function logs(
  surroundings: Surroundings,
  name: string,
  uartName: string | undefined,
  options: LogsOptions,
): Promise<number> {
  const { stdout, interrupted } = surroundings;
  const words = new Words(surroundings);
  await using target = await openTarget(surroundings, name, options);
  const uart = await chooseUart(target, uartName);
  const follow = {
    isFollowed: options.follow === true,
    signal: interrupted,
    ...tellAbsence((text) => words.say(text)),
    onRetry: (attempt: number) => words.say(`this is attempt ${attempt}: the output begins anew`),
  };
  try {
    for await (const chunk of target.readLog(uart, follow)) {
      words.noteOutput(chunk);
      if (!stdout.write(chunk)) await once(stdout, "drain");
    }
  } catch (error) {
    if (!interrupted.aborted) throw error;
    return EXIT.interrupted;
  }
  return EXIT.passed;
}
