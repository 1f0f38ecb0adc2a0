import type { BoardSpec } from "../../core/schema/board.ts";
import { serveUart } from "../uart/uart-connection.ts";
import type { ChannelOwner } from "./channel-owner.ts";
import type { ServeRaw } from "./raw-port.ts";

/** What serves a raw connection to a channel; undefined for a channel that the board does not have. */
export function rawChannel({ hubs }: ChannelOwner, name: string): ServeRaw | undefined {
  const hub = hubs.find((one) => one.name === name);
  if (hub) return (socket) => serveUart(socket, hub);
  return undefined;
}

/** Names of the channels of a board that can have a raw port. */
export function rawChannelNames({ uarts }: Pick<BoardSpec, "uarts">): string[] {
  return uarts.map(({ name }) => name);
}
