import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { WebSocket } from "ws";
import { errorOfStatus, KubeError, type StatusBody } from "./kube-error.ts";
import type { KubeLogin } from "./kube-login.ts";
import { objectPath } from "./resource-path.ts";

/** Where a connection shall end. */
export interface ForwardTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

const PODS = { apiVersion: "v1", kind: "Pod", plural: "pods", isNamespaced: true } as const;
/** Channels of one forwarded port in the protocol: each message begins with the byte of its channel. */
const PROTOCOL = "v4.channel.k8s.io";
const DATA = 0;
const ERROR = 1;
/** Each channel opens with the number of the port, in two bytes. */
const PORT_BYTES = 2;
const OPEN_MS = 30_000;

/**
 * A connection to a port of a pod, by way of the API server and the pod's node: it comes from the pod's own loopback,
 * so that network policies do not apply to it. The API server's protocol knows no half-closed connections.
 * @throws {KubeError} where the API server refuses; a port that nobody listens on breaks the connection with
 *   `PortForwardFailed`
 */
export async function openForward(login: KubeLogin, { namespace, pod, port }: ForwardTarget): Promise<Duplex> {
  const { server } = login;
  const path = `${server.pathname.replace(/\/$/, "")}${objectPath(PODS, pod, namespace)}/portforward?ports=${port}`;
  const url = `${server.origin.replace(/^http/, "ws")}${path}`;
  const options = await login.webSocketOptions();
  const socket = new WebSocket(url, [PROTOCOL], { ...options, perMessageDeflate: false, handshakeTimeout: OPEN_MS });
  const stream = new ForwardedStream(socket);
  // Until it is open the refusal is told by what is awaited here.
  const ignore = () => {};
  stream.on("error", ignore);
  await opened(socket, server.host);
  stream.off("error", ignore);
  return stream;
}

function opened(socket: WebSocket, host: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once("open", resolve);
  socket.once("error", (cause) => {
    const message = `no answer from the API server at ${host}: ${cause.message}`;
    reject(new KubeError({ status: 0, reason: "Unreachable", message, cause }));
  });
  socket.once("unexpected-response", (_request: unknown, answer: IncomingMessage) => {
    let text = "";
    answer.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    answer.once("close", () => {
      reject(errorOfStatus(answer.statusCode ?? 0, statusBodyOf(text)));
      socket.terminate();
    });
  });
  return promise;
}

function statusBodyOf(text: string): StatusBody {
  try {
    return JSON.parse(text) as StatusBody;
  } catch {
    // Not everything in front of an API server speaks JSON: its words are the message then.
    return { message: text.trim().slice(0, 500) };
  }
}

/** The bytes of a forwarded port, with back-pressure both ways. */
class ForwardedStream extends Duplex {
  readonly #socket: WebSocket;
  readonly #unread = { [DATA]: PORT_BYTES, [ERROR]: PORT_BYTES };
  #failure = "";

  constructor(socket: WebSocket) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    socket.on("message", (message: Buffer) => this.#receive(message));
    socket.on("close", () => this.#closed());
    // "close" always follows; whoever opens it hears of an error before that.
    socket.on("error", (error) => this.destroy(error));
  }

  override _read(): void {
    if (this.#socket.isPaused) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, taken: (error?: Error | null) => void): void {
    this.#socket.send(Buffer.concat([Buffer.of(DATA), chunk]), (error) => taken(error ?? null));
  }

  override _final(taken: () => void): void {
    this.#socket.close();
    taken();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.terminate();
    done(error);
  }

  #receive(message: Buffer): void {
    const channel = message[0];
    if (channel !== DATA && channel !== ERROR) return;
    const skipped = Math.min(this.#unread[channel], message.length - 1);
    this.#unread[channel] -= skipped;
    const bytes = message.subarray(1 + skipped);
    if (bytes.length === 0) return;
    if (channel === ERROR) this.#failure += bytes.toString("utf8");
    else if (!this.push(bytes)) this.#socket.pause();
  }

  #closed(): void {
    if (this.destroyed) return;
    if (this.#failure === "") this.push(null);
    else this.destroy(new KubeError({ status: 0, reason: "PortForwardFailed", message: this.#failure.trim() }));
  }
}

/** A port of this machine's loopback whose connections go elsewhere. */
export interface LocalPort extends AsyncDisposable {
  readonly port: number;
}

/**
 * Listens on a free port of the loopback; each connection goes where `connect` leads. One is made at once, so that a
 * refusal is told here.
 */
export async function listenForForward(connect: () => Promise<Duplex>): Promise<LocalPort> {
  let first: Duplex | undefined = await connect();
  const server = createServer((socket) => {
    const ahead = first;
    first = undefined;
    // Whoever is connected sees it break, and tries again.
    const isUsable = ahead !== undefined && !ahead.destroyed && !ahead.readableEnded;
    (isUsable ? Promise.resolve(ahead) : connect()).then((far) => join(socket, far)).catch(() => socket.destroy());
  });
  first.on("error", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // A command that is done does not wait for it.
  server.unref();
  return {
    port: portOf(server),
    async [Symbol.asyncDispose]() {
      first?.destroy();
      server.close();
    },
  };
}

function join(near: Socket, far: Duplex): void {
  near.setNoDelay();
  near.pipe(far).pipe(near);
  near.on("error", () => far.destroy());
  far.on("error", () => near.destroy());
  near.on("close", () => far.destroy());
  far.on("close", () => near.destroySoon());
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
