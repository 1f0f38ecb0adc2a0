import type { GuestChannels } from "../../client/guest-channels.ts";
import { openLocalSocket } from "../channel/local-socket.ts";
import type { GuestRun } from "../run/run-place.ts";
import type { Surroundings } from "../surroundings.ts";

/** Where `qemu -s` has its stub: scripts and editors know it. */
export const USUAL_PORT = 1_234;
/** Editors wait for these words. */
export const WAITING = "waiting for a debugger";

export interface GdbOffer {
  /** Path of the ELF, as it was written. */
  readonly image: string;
  readonly port?: number;
}

/** Offers a guest that stands at its first instruction, at a port of this machine. Undefined where it ended first. */
export async function offerGdb(
  surroundings: Surroundings,
  guest: Pick<GuestRun, "openChannels">,
  { image, port = USUAL_PORT }: GdbOffer,
): Promise<AsyncDisposable | undefined> {
  const channels = await guest.openChannels();
  if (!channels) return undefined;
  const offered = await openGdbPort(surroundings, channels, port);
  const command = `gdb-multiarch ${image} -ex 'target remote ${offered.address}'`;
  surroundings.stderr.write(`emufarm: ${WAITING} at ${offered.address}: ${command}\n`);
  return offered;
}

/** The board's GDB at a port of this machine; 0: any that is free. @throws {FarmError} ListenFailed */
export async function openGdbPort(
  { cwd, stderr }: Pick<Surroundings, "cwd" | "stderr">,
  channels: Pick<GuestChannels, "openWebSocket">,
  port: number,
): Promise<AsyncDisposable & { readonly address: string }> {
  const onProblem = (problem: string) => void stderr.write(`emufarm: ${problem}\n`);
  const offered = await openLocalSocket(channels, { path: "gdb", at: `tcp:${port}`, cwd, onProblem });
  return {
    // As gdb writes it.
    address: offered.address.replace(/^tcp:/, ""),
    [Symbol.asyncDispose]: () => offered[Symbol.asyncDispose](),
  };
}
