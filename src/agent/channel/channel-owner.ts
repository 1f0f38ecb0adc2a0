import type { GdbChannel } from "../gdb/gdb-channel.ts";
import type { GpioBank } from "../gpio/gpio-bank.ts";
import type { Guest } from "../guest/guest.ts";
import type { InstanceDrives } from "../storage/instance-drives.ts";
import type { UartHub } from "../uart/uart-hub.ts";

/** A board with its channels, which stay open through all its boots: an attempt's, or an instance's. */
export interface ChannelOwner {
  readonly guest: Guest;
  /** One for each UART of the board, in its order. */
  readonly hubs: readonly UartHub[];
  readonly gdb: GdbChannel;
  /** Its pins; without lines where the board has none that can be reached. */
  readonly gpio: GpioBank;
  /** What is kept of its guest's flash, fuses and card; none of a job. */
  readonly drives?: InstanceDrives;
}
