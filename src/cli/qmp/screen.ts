import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import { openTarget } from "../channel/open-target.ts";
import { EXIT } from "../exit-code.ts";
import type { FarmOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";

interface ScreenOptions extends FarmOptions {
  readonly output?: string;
}

/** `emufarm screen`: what a board's display shows now. */
export async function screen(
  surroundings: Surroundings,
  name: string,
  { output, ...options }: ScreenOptions,
): Promise<number> {
  const { cwd, stdout } = surroundings;
  if (output === undefined && stdout.isTTY) {
    throw new FarmError("InvalidRequest", { problems: "a picture is nothing for a terminal: -o FILE, or a pipe" });
  }
  await using target = await openTarget(surroundings, name, options);
  const picture = target.bytes({ method: "GET", path: "screen" });
  if (output !== undefined) await writeFile(resolve(cwd, output), picture);
  else for await (const chunk of picture) if (!stdout.write(chunk)) await once(stdout, "drain");
  return EXIT.passed;
}

interface VncOptions extends FarmOptions {
  readonly listen: string;
}

/** `emufarm vnc`: a board's display for viewers of other people, until it is interrupted. */
export async function vnc(
  surroundings: Surroundings,
  name: string,
  { listen, ...options }: VncOptions,
): Promise<number> {
  await using target = await openTarget(surroundings, name, options);
  const { offerLocally } = await import("../channel/local-socket.ts");
  return await offerLocally(surroundings, target, { path: "vnc", what: "the display", at: listen });
}
