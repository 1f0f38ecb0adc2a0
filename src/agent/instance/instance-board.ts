import type { DesiredState } from "../../core/wire/desired-state.ts";
import type { BootStrategy } from "../boot/boot.ts";
import { watchReady } from "../boot/ready-watch.ts";
import { Guest, type GuestEvents } from "../guest/guest.ts";
import { Progress } from "../progress.ts";
import type { Slot } from "../slot/slot.ts";
import { TcpChannel } from "../uart/tcp-channel.ts";
import { UartHub } from "../uart/uart-hub.ts";

export interface InstanceBoardOptions {
  readonly desired: DesiredState;
  readonly slot: Slot;
  readonly boots: BootStrategy;
  readonly logFolder: string;
  /** Address of the raw ports. */
  readonly host: string;
  /** Ports that the channels had before; taken again where they are free. */
  readonly ports: Readonly<Record<string, number>>;
  readonly events: GuestEvents & { onReady(): void };
}

/** The board of an instance with its channels, which stay open through all its boots. */
export class InstanceBoard implements AsyncDisposable {
  readonly guest: Guest;
  readonly hubs: readonly UartHub[];
  readonly channels: readonly { readonly name: string; readonly channel: TcpChannel }[];
  readonly #progress: Progress;
  readonly #options: InstanceBoardOptions;
  #stopWatching = () => {};

  private constructor(options: InstanceBoardOptions, hubs: readonly UartHub[], channels: InstanceBoard["channels"]) {
    const { desired, slot, boots, events } = options;
    this.#options = options;
    this.#progress = new Progress();
    this.hubs = hubs;
    this.channels = channels;
    this.guest = new Guest({
      boots,
      tenant: desired.tenant,
      // A person looks on: what it says is there from its first byte, and a ready pattern that never comes is theirs to see.
      strategy: "live",
      slot,
      boardName: desired.boardName,
      board: desired.board,
      network: "none",
      onReset: "continue",
      maxResets: Number.POSITIVE_INFINITY,
      hubs,
      progress: this.#progress,
      events,
    });
  }

  static async build(options: InstanceBoardOptions): Promise<InstanceBoard> {
    const { desired, logFolder, host, ports } = options;
    const hubs = desired.board.uarts.map(({ name }) => new UartHub({ name, logPath: `${logFolder}/${name}.log` }));
    const channels: { name: string; channel: TcpChannel }[] = [];
    for (const { name, port } of desired.channels.filter(({ tcp }) => tcp)) {
      const uart = hubs.find((hub) => hub.name === name);
      if (!uart) continue;
      try {
        channels.push({ name, channel: await listenAgain(uart, host, port ?? ports[name] ?? 0) });
      } catch (error) {
        await Promise.all(channels.map(({ channel }) => channel[Symbol.asyncDispose]()));
        throw error;
      }
    }
    return new InstanceBoard(options, hubs, channels);
  }

  /** Looks for the ready pattern anew, in the output of the boot that comes. */
  watchReady(): void {
    this.#stopWatching();
    this.#stopWatching = watchReady({
      board: this.#options.desired.board,
      uarts: this.hubs,
      onReady: () => this.#options.events.onReady(),
      // A pattern that costs too much never says ready; the status shows that.
      onError: () => {},
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#progress.abort(undefined);
    await this.guest[Symbol.asyncDispose]();
    await Promise.all(this.channels.map(({ channel }) => channel[Symbol.asyncDispose]()));
    for (const hub of this.hubs) hub.end();
    this.#progress[Symbol.dispose]();
  }
}

async function listenAgain(uart: UartHub, host: string, port: number): Promise<TcpChannel> {
  try {
    return await TcpChannel.listen({ uart, host, port });
  } catch (error) {
    // Somebody took the port while the agent was away: a new one is told in the status.
    if (port === 0 || (error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    return TcpChannel.listen({ uart, host, port: 0 });
  }
}
