import type { BoardSpec } from "../../core/schema/board.ts";
import type { ChannelRequest } from "../../core/schema/instance-channel.ts";
import { AGENT_PORT } from "./agent-pod.ts";

/** Raw ports by channel; UARTs follow from 5000 in the board's order. */
const FIRST_UART_PORT = 5_000;
const CHANNEL_PORTS: Readonly<Record<string, number>> = { gpio: 5_100, qmp: 5_200, gdb: 5_300, monitor: 5_400 };

export interface ChannelPort {
  readonly name: string;
  readonly port: number;
}

/** The port of each channel that gets a raw one. A channel that the board does not have gets none. */
export function channelPorts(board: Pick<BoardSpec, "uarts">, channels: readonly ChannelRequest[]): ChannelPort[] {
  return channels
    .filter(({ tcp }) => tcp)
    .flatMap(({ name }) => {
      const uart = board.uarts.find((one) => one.name === name);
      const port = uart ? FIRST_UART_PORT + uart.index : CHANNEL_PORTS[name];
      return port === undefined ? [] : [{ name, port }];
    });
}

/** Ports of an instance's Service: its channels, and the agent's API. */
export function servicePorts(board: Pick<BoardSpec, "uarts">, channels: readonly ChannelRequest[]): ChannelPort[] {
  return [...channelPorts(board, channels), { name: "http", port: AGENT_PORT }];
}
