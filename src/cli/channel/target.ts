import type { Duplex } from "node:stream";
import type { FollowLogOptions } from "../../client/farm-client.ts";
import type { GuestChannels } from "../../client/guest-channels.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import { nearestName } from "../../core/policy/nearest-name.ts";
import { textChannels } from "../../core/policy/text-channels.ts";
import type { NamedBoard } from "../farm/documents.ts";

export interface TargetLogOptions extends FollowLogOptions {
  /** True goes on until the guest's end. */
  readonly isFollowed?: boolean;
}

/**
 * A guest that somebody has named on the command line, with its channels. Its requests throw what the farm or the
 * agent says.
 */
export interface Target extends GuestChannels, AsyncDisposable {
  /** How it is named on the command line: `r1-000001`, `emu/sensor-01`. */
  readonly name: string;
  /** False where only raw ports can be reached: all but `openRaw` and `board` throws ChannelUnreachable then. */
  readonly hasAgent: boolean;
  /** The board that it runs on. */
  board(): Promise<NamedBoard>;
  /** What the guest wrote on a UART, from its first byte. */
  readLog(uart: string, options?: TargetLogOptions): AsyncGenerator<Buffer>;
  /**
   * Connects to the raw port of a channel, such as `uart0` or `gdb`.
   * @throws {FarmError} ChannelUnreachable where the target opens none for it
   */
  openRaw(channel: string): Promise<Duplex>;
}

/** The UART of that name, or the console of the board. @throws {FarmError} NotFound with the nearest one */
export async function chooseUart(target: Pick<Target, "board">, name: string | undefined): Promise<string> {
  const { name: board, spec } = await target.board();
  const uarts = textChannels(spec);
  const chosen = name ?? uarts[0] ?? "uart0";
  if (uarts.length === 0 || uarts.includes(chosen)) return chosen;
  const nearest = nearestName(chosen, uarts);
  const meant = nearest === undefined ? "" : `; did you mean ${nearest}?`;
  throw new FarmError("NotFound", {
    kind: "UART",
    name: `${chosen} of board ${board}, which has ${uarts.join(", ")}${meant}`,
  });
}
