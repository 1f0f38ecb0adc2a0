import type { UartSpec } from "../../core/schema/board.ts";
import { RFC2217_SUFFIX } from "../../core/schema/instance-channel.ts";
import { serveVncRaw } from "../display/vnc-connection.ts";
import { serveGdb } from "../gdb/gdb-connection.ts";
import { serveGpio } from "../gpio/gpio-connection.ts";
import { serveMonitor } from "../monitor/monitor-connection.ts";
import { serveQmpRaw } from "../qmp/qmp-connection.ts";
import { boardLines } from "../uart/board-lines.ts";
import { serveRfc2217 } from "../uart/rfc2217-session.ts";
import { serveUart } from "../uart/uart-connection.ts";
import type { ChannelOwner } from "./channel-owner.ts";
import type { ServeRaw } from "./raw-port.ts";

/** What serves a raw connection to a channel; undefined for a channel that the board does not have. */
export function rawChannel(owner: ChannelOwner, name: string): ServeRaw | undefined {
  const hub = owner.hubs.find((one) => one.name === name);
  if (hub) return (socket) => serveUart(socket, hub);
  if (name === "gpio" && owner.guest.board.gpio) return (socket) => serveGpio(socket, owner.gpio);
  if (name === "qmp") return (socket) => serveQmpRaw(socket, owner.guest.qmpProxy);
  if (name === "vnc" && owner.guest.board.display) return (socket) => serveVncRaw(socket, owner.guest);
  if (name === "monitor") return (socket) => serveMonitor(socket, owner.guest);
  const uart = owner.guest.board.uarts.find((one) => `${one.name}${RFC2217_SUFFIX}` === name);
  if (uart) return rfc2217Channel(owner, uart);
  if (name === "gdb") return (socket) => serveGdb(socket, owner);
  return undefined;
}

function rfc2217Channel({ guest, hubs }: ChannelOwner, uart: UartSpec): ServeRaw | undefined {
  const hub = hubs.find(({ name }) => name === uart.name);
  if (!hub) return undefined;
  const lines = boardLines(guest, uart);
  return (socket) => serveRfc2217({ socket, hub, lines });
}
