import type { BoardSpec } from "../schema/board.ts";
import { RFC2217_SUFFIX } from "../schema/instance-channel.ts";

/** Names of the channels of a board that can have a raw port. */
export function rawChannelNames({ uarts, gpio, display }: Pick<BoardSpec, "uarts" | "gpio" | "display">): string[] {
  return [
    ...(gpio ? ["gpio"] : []),
    ...(display ? ["vnc"] : []),
    ...uarts.flatMap(({ name }) => [name, `${name}${RFC2217_SUFFIX}`]),
    "qmp",
    "monitor",
    "gdb",
  ];
}
