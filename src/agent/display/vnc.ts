import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import type { Boot } from "../boot/boot.ts";
import type { Guest } from "../guest/guest.ts";
import { type BootedGuest, runningBoot } from "../guest/running-boot.ts";

/** open(2): a descriptor that names a file, and can do nothing else. */
const O_PATH = 0o10000000;

/** Boots whose emulator listens already. */
const listening = new WeakMap<Boot, Promise<unknown>>();

/**
 * Connects to the VNC server of a guest's emulator, which begins to listen when it is first asked for. Whoever looks
 * also has keyboard and pointer, so that the emulator serves no other board afterwards.
 * @throws {FarmError} NotSupportedByBoard, BoardOff, VncFailed
 */
export async function connectVnc(guest: BootedGuest & Pick<Guest, "board" | "boardName" | "slot">): Promise<Socket> {
  const { board, boardName, slot } = guest;
  if (!board.display) {
    throw new FarmError("NotSupportedByBoard", { what: "VNC", board: boardName, problem: "it has no display" });
  }
  const boot = await runningBoot(guest, "VNC");
  const path = join(slot.folder, "vnc.sock");
  boot.spoil();
  const started = listening.get(boot) ?? listen(boot, path);
  listening.set(boot, started);
  await started;
  return await connectOwn(path);
}

async function listen({ qmp }: Boot, path: string): Promise<void> {
  try {
    await qmp.execute("display-update", { type: "vnc", addresses: [{ type: "unix", path }] });
  } catch (cause) {
    const problem = String(FarmError.from(cause).details.qmpDescription ?? "it does not answer");
    throw new FarmError(
      "VncFailed",
      { problem: `${problem}; a job has VNC where its scenario takes screenshots` },
      { cause },
    );
  }
}

/** By way of a descriptor that was looked at: a link there would be one that a guest has made. */
async function connectOwn(path: string): Promise<Socket> {
  try {
    await using place = await open(path, O_PATH | constants.O_NOFOLLOW);
    if (!(await place.stat()).isSocket()) throw new FarmError("VncFailed", { problem: "its socket is none" });
    const socket = connect(`/proc/self/fd/${place.fd}`);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once("connect", resolve);
    socket.once("error", reject);
    await promise;
    socket.off("error", reject);
    return socket;
  } catch (cause) {
    if (cause instanceof FarmError) throw cause;
    throw new FarmError("VncFailed", { problem: (cause as Error).message }, { cause });
  }
}
