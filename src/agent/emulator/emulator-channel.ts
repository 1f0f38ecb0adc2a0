import type { Socket } from "node:net";

type WriteCallback = (error?: Error | null) => void;

/**
 * Makes a socket to an emulator end as a serial line does. A write that comes after the emulator has gone is lost,
 * and nothing else is: Node would otherwise close the socket at that write, and with it drop the emulator's last
 * bytes, which nobody has read yet. The end shows when they have been.
 */
export function asEmulatorChannel(socket: Socket): Socket {
  const write = socket._write.bind(socket);
  const writev = socket._writev?.bind(socket);
  socket._write = (chunk, encoding, callback) => write(chunk, encoding, forgiving(callback));
  if (writev) socket._writev = (chunks, callback) => writev(chunks, forgiving(callback));
  // An end with input that the emulator has not read is a reset for the kernel; `close` follows in any case.
  socket.on("error", () => {});
  return socket;
}

function forgiving(callback: WriteCallback): WriteCallback {
  return (error) => callback(isGone(error) ? null : error);
}

function isGone(error: NodeJS.ErrnoException | null | undefined): boolean {
  return error?.code === "EPIPE" || error?.code === "ECONNRESET";
}
