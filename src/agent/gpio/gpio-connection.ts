import type { Socket } from "node:net";
import { FarmError } from "../../core/error/farm-error.ts";
import { encodePinLine, type PinLine, PinLineDecoder } from "../../core/gpio/line-protocol.ts";
import type { RawConnection } from "../channel/raw-port.ts";
import type { GpioBank } from "./gpio-bank.ts";

/**
 * The pins of a board over a raw connection, by the line protocol: `GPIO <pin> <0|1>` for each change by the guest,
 * `SET <pin> <0|1>` drives. Two words are the farm's own, and of no meaning to whoever knows the protocol only:
 * `LOST <edges>` where changes were left out, because nobody read them, and `ERROR <sentence>`.
 */
export function serveGpio(socket: Socket, bank: GpioBank): RawConnection {
  const decoder = new PinLineDecoder("SET");
  const viewer = bank.addViewer({
    get backlogBytes() {
      return socket.writableLength;
    },
    edges: ({ edges }) => {
      let text = "";
      for (const { line, level, by } of edges) if (by === "guest") text += encodePinLine("GPIO", line, level);
      if (text !== "") socket.write(text);
    },
    merged: ({ edges, lines }) => {
      const seen = lines.filter(({ line }) => bank.driven(line) === undefined);
      socket.write(`LOST ${edges}\n${seen.map(({ line, level }) => encodePinLine("GPIO", line, level)).join("")}`);
    },
    end: (reason) => void socket.end(errorLine(reason)),
  });
  tellRaised(socket, bank);
  bank.connect().catch((error) => socket.end(errorLine(FarmError.from(error).message)));
  let work: Promise<void> = Promise.resolve();
  return {
    receive(chunk) {
      const ignoredBefore = decoder.ignoredLines;
      const lines = decoder.decode(chunk);
      bank.countRefused(decoder.ignoredLines - ignoredBefore);
      if (lines.length === 0) return;
      const done = work.then(() => driveAll(bank, lines));
      work = done;
      waitFor(socket, done);
    },
    drained: () => viewer.drained(),
    closed: () => viewer[Symbol.dispose](),
  };
}

function errorLine(sentence: string): string {
  return `ERROR ${sentence}\n`;
}

/** Whoever comes late knows all levels: pins are low until they are told to be high. */
function tellRaised(socket: Socket, bank: GpioBank): void {
  const raised = bank.lines.all.filter(({ number }) => bank.level(number) === 1 && bank.driven(number) === undefined);
  if (raised.length > 0) socket.write(raised.map(({ number }) => encodePinLine("GPIO", number, 1)).join(""));
}

async function driveAll(bank: GpioBank, lines: readonly PinLine[]): Promise<void> {
  for (const { pin, level } of lines) {
    // The protocol has no word for a refusal: what cannot be done is counted, as garbage is.
    await bank.drive(pin, level).catch(() => bank.countRefused(1));
  }
}

/** The network waits for the emulator, so that a flood of lines needs no memory. */
function waitFor(socket: Socket, done: Promise<void>): void {
  let isDone = false;
  void done.then(() => {
    isDone = true;
    if (socket.isPaused()) socket.resume();
  });
  setImmediate(() => {
    if (!isDone && !socket.destroyed) socket.pause();
  });
}
