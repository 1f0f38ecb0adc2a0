import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import type { EmulatorSeat } from "./emulator-seat.ts";

/** Name of the character device for pins, and of its socket in the emulator's folder. */
export const PINS_CHANNEL = "pins";
/** The kernel takes no longer path of a socket. */
const MAX_PATH_BYTES = 107;

/** Connects to the emulator's socket for pins. @throws {FarmError} SocketPathTooLong, PinsFailed */
export async function pinsSocket({ folder, boardName }: Pick<EmulatorSeat, "folder" | "boardName">): Promise<Socket> {
  const path = join(folder, PINS_CHANNEL);
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw new FarmError("SocketPathTooLong", { path });
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect(path, () => {
    socket.off("error", reject);
    resolve(socket);
  });
  socket.once("error", reject);
  return promise.catch((cause: Error) => {
    throw new FarmError("PinsFailed", { board: boardName, detail: cause.message }, { cause });
  });
}
