import { rawChannelNames } from "../../core/policy/raw-channels.ts";
import { SEMIHOSTING_CHANNEL } from "../../core/policy/text-channels.ts";
import type { BoardSpec } from "../../core/schema/board.ts";
import { type ChannelRequest, RFC2217_SUFFIX } from "../../core/schema/instance-channel.ts";
import { AGENT_PORT } from "./agent-pod.ts";

/** Raw ports by channel; UARTs follow from 5000 by their place in the emulator, and from 5500 by RFC 2217. */
const FIRST_UART_PORT = 5_000;
const FIRST_RFC2217_PORT = 5_500;
const CHANNEL_PORTS: Readonly<Record<string, number>> = {
  /** Behind those of the 16 UARTs that a board can have. */
  [SEMIHOSTING_CHANNEL]: 5_016,
  gpio: 5_100,
  qmp: 5_200,
  gdb: 5_300,
  monitor: 5_400,
  vnc: 5_900,
};

type ChannelBoard = Pick<BoardSpec, "uarts" | "semihosting" | "gpio" | "display">;

export interface ChannelPort {
  readonly name: string;
  readonly port: number;
}

/** The port of each channel that gets a raw one. A channel that the board does not have gets none. */
export function channelPorts(board: ChannelBoard, channels: readonly ChannelRequest[]): ChannelPort[] {
  const names = rawChannelNames(board);
  return channels
    .filter(({ name, tcp }) => tcp && names.includes(name))
    .flatMap(({ name }) => {
      const port = uartPort(board, name) ?? CHANNEL_PORTS[name];
      return port === undefined ? [] : [{ name, port }];
    });
}

function uartPort({ uarts }: Pick<BoardSpec, "uarts">, channel: string): number | undefined {
  for (const { name, index } of uarts) {
    if (channel === name) return FIRST_UART_PORT + index;
    if (channel === `${name}${RFC2217_SUFFIX}`) return FIRST_RFC2217_PORT + index;
  }
  return undefined;
}

/** Ports of an instance's Service: its channels, and the agent's API. */
export function servicePorts(board: ChannelBoard, channels: readonly ChannelRequest[]): ChannelPort[] {
  return [...channelPorts(board, channels), { name: "http", port: AGENT_PORT }];
}
