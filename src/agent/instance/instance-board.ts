import { textChannels } from "../../core/policy/text-channels.ts";
import type { DesiredState } from "../../core/wire/desired-state.ts";
import type { BootStrategy } from "../boot/boot.ts";
import { watchReady } from "../boot/ready-watch.ts";
import type { ChannelOwner } from "../channel/channel-owner.ts";
import { rawChannel } from "../channel/raw-channels.ts";
import { RawPort, type RawPortOptions } from "../channel/raw-port.ts";
import { GdbChannel } from "../gdb/gdb-channel.ts";
import { GpioBank } from "../gpio/gpio-bank.ts";
import { Guest, type GuestEvents } from "../guest/guest.ts";
import { Progress } from "../progress.ts";
import type { Slot } from "../slot/slot.ts";
import type { InstanceDrives } from "../storage/instance-drives.ts";
import { UartHub } from "../uart/uart-hub.ts";

export interface InstanceBoardOptions {
  readonly desired: DesiredState;
  readonly slot: Slot;
  readonly boots: BootStrategy;
  readonly logFolder: string;
  /** What is kept of the guest's flash, fuses and card. */
  readonly drives: InstanceDrives;
  /** Address of the raw ports. */
  readonly host: string;
  /** Ports that the channels had before; taken again where they are free. */
  readonly ports: Readonly<Record<string, number>>;
  readonly events: GuestEvents & { onReady(): void };
  /** Somebody uses a channel, until the result is disposed of. */
  readonly use: () => Disposable;
}

/** The board of an instance with its channels, which stay open through all its boots. */
export class InstanceBoard implements ChannelOwner {
  readonly guest: Guest;
  readonly hubs: readonly UartHub[];
  readonly gdb: GdbChannel;
  readonly gpio: GpioBank;
  readonly drives: InstanceDrives;
  readonly #progress: Progress;
  readonly #options: InstanceBoardOptions;
  readonly #rawPorts: { readonly name: string; readonly rawPort: RawPort }[] = [];
  #stopWatching = () => {};

  private constructor(options: InstanceBoardOptions) {
    const { desired, slot, boots, logFolder, events } = options;
    this.#options = options;
    this.drives = options.drives;
    this.#progress = new Progress();
    const { board, boardName } = desired;
    const awaitsBoot = desired.power === "On";
    this.hubs = textChannels(board).map(
      (name) => new UartHub({ name, logPath: `${logFolder}/${name}.log`, awaitsBoot }),
    );
    const uart = this.hubs.find(({ name }) => name === board.gpio?.uart);
    // A person looks on: levels are known from the first instruction.
    this.gpio = new GpioBank({ boardName, gpio: board.gpio, isWanted: true, uart });
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
      hasDisplay: true,
      maxResets: Number.POSITIVE_INFINITY,
      hubs: this.hubs,
      gpio: this.gpio,
      drives: this.drives.files,
      progress: this.#progress,
      events,
    });
    this.gdb = new GdbChannel({
      guest: this.guest,
      board: desired.board,
      onKill: () => this.#startOver(),
    });
  }

  /** @throws {Error} of node:net where a raw port cannot be opened */
  static async build(options: InstanceBoardOptions): Promise<InstanceBoard> {
    const board = new InstanceBoard(options);
    try {
      await board.#openRawPorts();
    } catch (error) {
      await board.end("a raw port could not be opened");
      throw error;
    }
    return board;
  }

  /** Ports by channel. */
  get rawPorts(): readonly { readonly name: string; readonly rawPort: RawPort }[] {
    return this.#rawPorts;
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

  /** The board is no more, for a reason in words, which every channel that has a place for words tells. */
  async end(reason: string): Promise<void> {
    this.#progress.abort(undefined);
    await this.guest[Symbol.asyncDispose]();
    await this.gdb[Symbol.asyncDispose]();
    for (const hub of this.hubs) hub.end(reason);
    this.gpio.end(reason);
    await Promise.all(this.#rawPorts.map(({ rawPort }) => rawPort.end(reason)));
    this.#progress[Symbol.dispose]();
  }

  /** A debugger has killed its program: the board begins anew, as a real one does without its probe. */
  #startOver(): void {
    this.watchReady();
    // What cannot be started is told by the guest's events.
    this.guest.powerCycle().catch(() => {});
  }

  async #openRawPorts(): Promise<void> {
    const { desired, host, ports, use } = this.#options;
    for (const { name, port } of desired.channels.filter(({ tcp }) => tcp)) {
      const serve = rawChannel(this, name);
      if (serve)
        this.#rawPorts.push({
          name,
          rawPort: await listenAgain({ serve, host, port: port ?? ports[name] ?? 0, onConnected: use }),
        });
    }
  }
}

async function listenAgain(options: RawPortOptions): Promise<RawPort> {
  try {
    return await RawPort.listen(options);
  } catch (error) {
    // Somebody took the port while the agent was away: a new one is told in the status.
    if (options.port === 0 || (error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    return RawPort.listen({ ...options, port: 0 });
  }
}
