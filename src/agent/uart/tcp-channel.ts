import { createServer, type Server, type Socket } from "node:net";
import type { UartViewer, UartViewerSink } from "./uart-viewer.ts";

/** Requests of HTTP begin with one of these; no terminal does. */
const HTTP_METHODS = [
  "GET ",
  "PUT ",
  "POST ",
  "HEAD ",
  "PATCH ",
  "TRACE ",
  "DELETE ",
  "OPTIONS ",
  "CONNECT ",
  "PRI * HTTP",
];
const LONGEST_METHOD = Math.max(...HTTP_METHODS.map((method) => method.length));

export interface TcpChannelOptions {
  /** Where viewers are added: the hub. */
  readonly uart: { readonly name: string; addViewer(sink: UartViewerSink): UartViewer };
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
}

/**
 * A UART as a raw TCP port. A connection stays open over resets, firmware changes and restarts of the emulator. One
 * that opens with an HTTP request is a browser or a scanner gone astray: it is closed and counted.
 */
export class TcpChannel implements AsyncDisposable {
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  readonly #uart: TcpChannelOptions["uart"];
  #refusedHttp = 0;

  private constructor(uart: TcpChannelOptions["uart"]) {
    this.#uart = uart;
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
  }

  /** Listens; settles once connections are taken. */
  static async listen({ uart, host, port }: TcpChannelOptions): Promise<TcpChannel> {
    const channel = new TcpChannel(uart);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    channel.#server.once("error", reject);
    channel.#server.listen({ host, port }, resolve);
    await promise;
    channel.#server.off("error", reject);
    return channel;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** Connections that were closed because they spoke HTTP. */
  get refusedHttp(): number {
    return this.#refusedHttp;
  }

  get connections(): number {
    return this.#connections.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    for (const socket of this.#connections) socket.destroy();
    await promise;
  }

  #accept(socket: Socket): void {
    this.#connections.add(socket);
    const viewer = this.#uart.addViewer(sinkOf(socket));
    const isHttp = createHttpScreen();
    socket.on("data", (chunk: Buffer) => {
      if (isHttp(chunk)) {
        this.#refusedHttp += 1;
        socket.destroy();
      } else {
        this.#write(viewer, socket, chunk);
      }
    });
    socket.on("drain", () => viewer.drained());
    // A connection that breaks is a viewer that left; "close" always follows.
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#connections.delete(socket);
      viewer[Symbol.dispose]();
    });
  }

  /** The network waits for the guest, so that a paste of any size needs no memory. */
  #write(viewer: UartViewer, socket: Socket, bytes: Buffer): void {
    let isTaken = false;
    void viewer.write(bytes).then(() => {
      isTaken = true;
      if (socket.isPaused()) socket.resume();
    });
    setImmediate(() => {
      if (!isTaken && !socket.destroyed) socket.pause();
    });
  }
}

function sinkOf(socket: Socket): UartViewerSink {
  return {
    label: `tcp ${socket.remoteAddress ?? ""}:${socket.remotePort ?? ""}`,
    get backlogBytes() {
      return socket.writableLength;
    },
    send: (chunk) => void socket.write(chunk),
    notice: (notice) => {
      // Raw bytes have no place for notices; a gap must not pass for output all the same.
      if (notice.type === "gap") socket.write(`\r\n[emufarm: ${notice.bytes} bytes are missing here]\r\n`);
    },
    end: () => void socket.end(),
  };
}

/** Tells whether a connection opens with an HTTP request. Nothing is held back: a first key press is not delayed. */
function createHttpScreen(): (chunk: Buffer) => boolean {
  let opening = "";
  let isDecided = false;
  return (chunk) => {
    if (isDecided) return false;
    opening += chunk.subarray(0, LONGEST_METHOD - opening.length).toString("latin1");
    if (HTTP_METHODS.some((method) => opening.startsWith(method))) return true;
    isDecided = !HTTP_METHODS.some((method) => method.startsWith(opening));
    return false;
  };
}
