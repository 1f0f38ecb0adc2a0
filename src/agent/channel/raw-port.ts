import { createServer, type Server, type Socket } from "node:net";
import { createHttpScreen } from "./http-screen.ts";

/** One connection of a raw port, whatever its protocol. */
export interface RawConnection {
  /** Bytes came. */
  receive(chunk: Buffer): void;
  /** What was sent has been taken by the network. */
  drained?(): void;
  /** The connection has ended, from whichever side. */
  closed(): void;
}

/** Begins to serve a connection; what it sends goes to the socket. */
export type ServeRaw = (socket: Socket) => RawConnection;

export interface RawPortOptions {
  readonly serve: ServeRaw;
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
  /** Connections at a time; one more is closed at once, and counted. */
  readonly maxConnections?: number;
}

/** A person, some tools and a viewer or two: more than this is a mistake or an attack. */
const MAX_CONNECTIONS = 64;

/**
 * A channel as a raw TCP port. A connection stays open over resets, firmware changes and restarts of the emulator. One
 * that opens with an HTTP request is a browser or a scanner gone astray: it is closed and counted.
 */
export class RawPort implements AsyncDisposable {
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  readonly #serve: ServeRaw;
  readonly #maxConnections: number;
  #refusedHttp = 0;
  #refusedConnections = 0;

  private constructor({ serve, maxConnections = MAX_CONNECTIONS }: RawPortOptions) {
    this.#serve = serve;
    this.#maxConnections = maxConnections;
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
  }

  /**
   * Listens; settles once connections are taken.
   * @throws {Error} of node:net, such as EADDRINUSE
   */
  static async listen(options: RawPortOptions): Promise<RawPort> {
    const rawPort = new RawPort(options);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    rawPort.#server.once("error", reject);
    rawPort.#server.listen({ host: options.host, port: options.port }, resolve);
    await promise;
    rawPort.#server.off("error", reject);
    return rawPort;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** Connections that were closed because they spoke HTTP. */
  get refusedHttp(): number {
    return this.#refusedHttp;
  }

  /** Connections that were closed because there were too many. */
  get refusedConnections(): number {
    return this.#refusedConnections;
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
    // A connection that breaks is a client that left; "close" always follows.
    socket.on("error", () => {});
    if (this.#connections.size >= this.#maxConnections) {
      this.#refusedConnections += 1;
      socket.destroy();
      return;
    }
    this.#connections.add(socket);
    const connection = this.#serve(socket);
    const isHttp = createHttpScreen();
    socket.on("data", (chunk: Buffer) => {
      if (isHttp(chunk)) {
        this.#refusedHttp += 1;
        socket.destroy();
      } else {
        connection.receive(chunk);
      }
    });
    socket.on("drain", () => connection.drained?.());
    socket.on("close", () => {
      this.#connections.delete(socket);
      connection.closed();
    });
  }
}
