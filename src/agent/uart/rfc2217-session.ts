import type { Socket } from "node:net";
import { ComPortServer } from "../../core/serial/com-port-server.ts";
import type { UartNotice } from "../../core/wire/uart-message.ts";
import type { RawConnection } from "../channel/raw-port.ts";
import type { BoardLines } from "./board-lines.ts";
import { StreamWords } from "./stream-words.ts";
import { lineOf, passOn, peerOf } from "./uart-connection.ts";
import type { UartViewer, UartViewerSink } from "./uart-viewer.ts";

/** Answers that nobody reads: whoever floods with options and never listens is let go. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/**
 * Output waits for the client's first word, or for this long: some clients (gensio) never show anything that comes
 * while options are being agreed.
 */
const AGREEMENT_MS = 500;

export interface Rfc2217Options {
  readonly socket: Socket;
  readonly hub: { readonly name: string; addViewer(sink: UartViewerSink): UartViewer };
  readonly lines: BoardLines;
}

/** A UART over Telnet with its COM port option (RFC 2217), for one client. */
export function serveRfc2217(options: Rfc2217Options): RawConnection {
  const session = new Rfc2217Session(options);
  return {
    receive: (chunk) => session.receive(chunk),
    drained: () => session.drained(),
    // Its lines fall with it, so it is not kept to read on.
    ended: () => options.socket.destroySoon(),
    closed: () => session.end(),
  };
}

class Rfc2217Session {
  readonly #options: Rfc2217Options;
  readonly #server: ComPortServer;
  readonly #timer: NodeJS.Timeout;
  readonly #words = new StreamWords();
  #viewer: UartViewer | undefined;
  #input: Uint8Array[] = [];
  /** What the client is answered, joined: a flood of questions must not become one of writes. */
  #answers: Uint8Array[] = [];
  #isSuspended = false;

  constructor(options: Rfc2217Options) {
    this.#options = options;
    this.#server = new ComPortServer({
      signature: `emufarm ${options.hub.name}`,
      events: {
        send: (bytes) => void this.#answers.push(bytes),
        onInput: (bytes) => void this.#input.push(bytes),
        onLines: (now, before) => this.#move(options.lines.effect(now, before)),
        onPurge: ({ toClient }) => {
          // What went to the guest is on the line already, as it would be on a real one.
          if (toClient) this.#viewer?.skip();
        },
        onSuspended: (isNow) => {
          this.#isSuspended = isNow;
          this.#viewer?.drained();
        },
      },
    });
    this.#server.open();
    this.#sendAnswers();
    this.#timer = setTimeout(() => this.#show(), AGREEMENT_MS);
  }

  receive(chunk: Buffer): void {
    const viewer = this.#show();
    this.#server.receive(chunk);
    this.#sendAnswers();
    this.#passInput(viewer);
    if (this.#options.socket.writableLength > MAX_UNREAD_BYTES) this.#options.socket.destroy();
  }

  drained(): void {
    this.#viewer?.drained();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#server.hangUp();
    this.#viewer?.[Symbol.dispose]();
  }

  /** Begins with the output, if that has not begun. */
  #show(): UartViewer {
    if (this.#viewer) return this.#viewer;
    clearTimeout(this.#timer);
    const { socket, hub } = this.#options;
    const isSuspended = () => this.#isSuspended;
    const viewer = hub.addViewer({
      label: peerOf("rfc2217", socket),
      get backlogBytes() {
        return isSuspended() ? Number.POSITIVE_INFINITY : socket.writableLength;
      },
      send: (chunk) => void socket.write(this.#server.encode(chunk)),
      notice: (notice) => this.#tell(notice),
      end: (reason) => void socket.end(this.#server.encode(lineOf(reason))),
    });
    this.#viewer = viewer;
    this.#server.setBoard(viewer.isOn);
    return viewer;
  }

  #tell(notice: UartNotice): void {
    const { socket } = this.#options;
    const text = this.#words.of(notice);
    if (text !== undefined) socket.write(this.#server.encode(lineOf(text)));
    if (notice.type === "boot") this.#server.setBoard(true);
    if (notice.type === "off") this.#server.setBoard(false);
    this.#sendAnswers();
  }

  #sendAnswers(): void {
    if (this.#answers.length > 0) this.#options.socket.write(Buffer.concat(this.#answers));
    this.#answers = [];
  }

  #passInput(viewer: UartViewer): void {
    const [first, ...more] = this.#input;
    this.#input = [];
    if (first) passOn(viewer, this.#options.socket, more.length === 0 ? first : Buffer.concat([first, ...more]));
  }

  #move(effect: (() => Promise<void>) | undefined): void {
    const viewer = this.#viewer;
    if (!viewer) return;
    // What was typed before the lines moved comes before what they do.
    this.#passInput(viewer);
    // Lines are answered whoever moves them; the board heeds the one who writes.
    if (effect === undefined || !viewer.usePen()) return;
    // A board that cannot is off, or about to be: the modem's lines tell.
    effect().catch(() => {});
  }
}
