import type { WriteStream } from "node:tty";
import { createLogUpdate } from "log-update";
import { terminalSize } from "./terminal-size.ts";

/** Draws a text over the one before, on a terminal. */
export function liveScreen(out: WriteStream): ReturnType<typeof createLogUpdate> {
  return createLogUpdate(sizedStream(out), { showCursor: false });
}

/** All of a stream that log-update looks at: it draws nothing on a terminal of no rows. */
function sizedStream(out: WriteStream): WriteStream {
  const stream: Pick<WriteStream, "isTTY" | "columns" | "rows"> & { write(text: string): boolean } = {
    isTTY: out.isTTY,
    write: (text) => out.write(text),
    get columns() {
      return terminalSize(out).columns;
    },
    get rows() {
      return terminalSize(out).rows;
    },
  };
  return stream as WriteStream;
}
