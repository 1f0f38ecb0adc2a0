import { createServer, type Server, type Socket } from "node:net";
import { createHttpScreen } from "./http-screen.ts";

/** One connection of a raw port, whatever its protocol. */
export interface RawConnection {
  /** Bytes came. */
  receive(chunk: Buffer): void;
  /** What was sent has been taken by the network. */
  drained?(): void;
  /** Nothing more will come; what is sent may still be read. */
  ended?(): void;
  /** The port is no more, for a reason in words: a protocol that has room for them may tell. */
  dismissed?(reason: string): void;
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
  /** Told of each connection that is served; what it gives is disposed of when the connection ends. */
  readonly onConnected?: () => Disposable;
}

/** A person, some tools and a viewer or two: more than this is a mistake or an attack. */
const MAX_CONNECTIONS = 64;

/** A client that has said all it wants to, as `echo ... | nc` has, may read on for so long. */
const READ_ON_MS = 3_000;
/** A connection that is closed by the farm may take its last words for so long. */
const LAST_WORDS_MS = 1_000;

/**
 * A channel as a raw TCP port. A connection stays open over resets, firmware changes and restarts of the emulator. One
 * that opens with an HTTP request is a browser or a scanner gone astray: it is closed and counted.
 */
export class RawPort implements AsyncDisposable {
  readonly #server: Server;
  readonly #connections = new Map<Socket, RawConnection>();
  readonly #serve: ServeRaw;
  readonly #maxConnections: number;
  readonly #onConnected: (() => Disposable) | undefined;
  #refusedHttp = 0;
  #refusedConnections = 0;

  private constructor({ serve, maxConnections = MAX_CONNECTIONS, onConnected }: RawPortOptions) {
    this.#onConnected = onConnected;
    this.#serve = serve;
    this.#maxConnections = maxConnections;
    this.#server = createServer({ noDelay: true, keepAlive: true, allowHalfOpen: true }, (socket) =>
      this.#accept(socket),
    );
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

  /** Lets every connection go, for a reason in words. */
  async end(reason: string): Promise<void> {
    for (const connection of this.#connections.values()) connection.dismissed?.(reason);
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    for (const socket of this.#connections.keys()) socket.destroySoon();
    const impatience = setTimeout(() => {
      for (const socket of this.#connections.keys()) socket.destroy();
    }, LAST_WORDS_MS);
    await promise;
    clearTimeout(impatience);
  }

  #accept(socket: Socket): void {
    // A connection that breaks is a client that left; "close" always follows.
    socket.on("error", () => {});
    if (this.#connections.size >= this.#maxConnections) {
      this.#refusedConnections += 1;
      socket.end(`\r\n[emufarm: this port has ${this.#maxConnections} connections, and takes no more]\r\n`);
      socket.destroySoon();
      return;
    }
    const connection = this.#serve(socket);
    this.#connections.set(socket, connection);
    const use = this.#onConnected?.();
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
    let readingOn: NodeJS.Timeout | undefined;
    socket.on("end", () => {
      connection.ended?.();
      readingOn = setTimeout(() => socket.destroySoon(), READ_ON_MS);
    });
    socket.on("close", () => {
      clearTimeout(readingOn);
      this.#connections.delete(socket);
      connection.closed();
      use?.[Symbol.dispose]();
    });
  }
}
