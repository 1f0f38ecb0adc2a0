import { FarmError } from "../../core/error/farm-error.ts";
import { openTarget } from "../channel/open-target.ts";
import { EXIT } from "../exit-code.ts";
import type { FarmOptions } from "../farm-options.ts";
import { printBytes, saveBytes } from "../screen/bytes-output.ts";
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
  if (output === undefined && surroundings.stdout.isTTY) {
    throw new FarmError("InvalidRequest", { problems: "a picture is nothing for a terminal: -o FILE, or a pipe" });
  }
  await using target = await openTarget(surroundings, name, options);
  const picture = target.bytes({ method: "GET", path: "screen" });
  if (output === undefined) await printBytes(surroundings, picture);
  else await saveBytes(surroundings, output, picture);
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
  const { name: board, spec } = await target.board();
  if (!spec.display) throw new FarmError("NotSupportedByBoard", { what: "VNC", board, problem: "it has no display" });
  const { offerLocally } = await import("../channel/local-socket.ts");
  return await offerLocally(surroundings, target, { path: "vnc", what: "the display", at: listen });
}
