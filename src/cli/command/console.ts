import { openTarget } from "../channel/open-target.ts";
import { chooseUart } from "../channel/target.ts";
import type { FarmOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";
import { attachConsole } from "./attach-console.ts";
import { attachRawConsole } from "./attach-raw-console.ts";

interface ConsoleOptions extends FarmOptions {
  readonly raw?: true;
}

/**
 * `emufarm console`: a UART of a running job or of an instance, what it has written so far first. By its raw port
 * where nothing else of an instance can be reached.
 */
export async function console(
  surroundings: Surroundings,
  name: string,
  uartName: string | undefined,
  options: ConsoleOptions,
): Promise<number> {
  await using target = await openTarget(surroundings, name, options);
  const uart = await chooseUart(target, uartName);
  const console = { title: `${uart} of ${target.name}`, isRaw: options.raw === true };
  if (!target.hasAgent) return await attachRawConsole(surroundings, { ...console, open: () => target.openRaw(uart) });
  const open: Parameters<typeof attachConsole>[1]["open"] = (onMessage) =>
    target.openWebSocket(`uarts/${encodeURIComponent(uart)}`, onMessage);
  return await attachConsole(surroundings, { ...console, open });
}
