import { StringDecoder } from "node:string_decoder";
import type { WebSocket } from "ws";
import { FarmError } from "../../core/error/farm-error.ts";
import type { FrontEndEvent } from "../../core/wire/front-end.ts";
import type { UartHub } from "../uart/uart-hub.ts";

/** A UART as a front end has it. */
export interface FrontEndConsole extends Disposable {
  /** @throws {FarmError} Conflict where it is not taken */
  write(bytes: Uint8Array): Promise<void>;
}

interface ConsoleOptions {
  readonly socket: WebSocket;
  readonly hub: UartHub;
  /** Place of the UART on the board. */
  readonly uart: number;
  send(event: FrontEndEvent, onSent: () => void): void;
}

/** Output as text: a character whose bytes come in pieces is told once it is whole. */
export function watchConsole({ socket, hub, uart, send }: ConsoleOptions): FrontEndConsole {
  const text = new StringDecoder("utf8");
  const tell = (data: string) => {
    if (data !== "") send({ type: "serial_output", data: { data, uart } }, () => viewer?.drained());
  };
  const viewer = hub.addViewer({
    label: "front end",
    get backlogBytes() {
      return socket.bufferedAmount;
    },
    send: (chunk) => tell(text.write(chunk)),
    notice: (notice) => {
      // What a boot or a gap has cut off is no part of the next character.
      if (notice.type === "boot" || notice.type === "gap") tell(text.end());
      if (notice.type !== "gap") return;
      const message = `${notice.bytes} bytes of ${hub.name} are missing here`;
      send({ type: "error", data: { message } }, () => viewer?.drained());
    },
    end: () => tell(text.end()),
  });
  return {
    async write(bytes) {
      if (await viewer.write(bytes)) return;
      const problem = "the board is off, or somebody else is writing";
      throw new FarmError("Conflict", { what: `Writing to ${hub.name}`, problem });
    },
    [Symbol.dispose]: () => viewer[Symbol.dispose](),
  };
}
