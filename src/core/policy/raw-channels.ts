import type { BoardSpec } from "../schema/board.ts";
import { RFC2217_SUFFIX } from "../schema/instance-channel.ts";
import { hasSemihostingChannel, SEMIHOSTING_CHANNEL } from "./text-channels.ts";

/** Names of the channels of a board that can have a raw port. */
export function rawChannelNames(board: Pick<BoardSpec, "uarts" | "semihosting" | "gpio" | "display">): string[] {
  const { uarts, gpio, display } = board;
  return [
    ...(gpio ? ["gpio"] : []),
    ...(display ? ["vnc"] : []),
    ...uarts.flatMap(({ name }) => [name, `${name}${RFC2217_SUFFIX}`]),
    ...(hasSemihostingChannel(board) ? [SEMIHOSTING_CHANNEL] : []),
    "qmp",
    "monitor",
    "gdb",
  ];
}
