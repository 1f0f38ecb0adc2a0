import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { createKubeLogin } from "../../src/kube/kube-login.ts";
import { listenForForward, openForward } from "../../src/kube/port-forward.ts";

const TARGET = { namespace: "lab", pod: "sensor-1", port: 5_000 };
const PATH = "/cluster/api/v1/namespaces/lab/pods/sensor-1/portforward?ports=5000";
/** Each channel opens with the port, little-endian. */
const PORT = Buffer.from([0x88, 0x13]);

/** An API server that forwards ports as a kubelet does (protocol v4.channel.k8s.io). */
let server: Server;
let sockets: WebSocketServer;
let paths: (string | undefined)[] = [];
let serve: (socket: WebSocket) => void;

beforeEach(async () => {
  paths = [];
  serve = greet;
  sockets = new WebSocketServer({ noServer: true });
  server = createServer((_request, answer) => answer.writeHead(404).end());
  server.on("upgrade", (request, socket, head) => {
    paths.push(request.url);
    sockets.handleUpgrade(request, socket, head, (far) => serve(far));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterEach(() => {
  for (const socket of sockets.clients) socket.terminate();
  server.close();
});

const send = (socket: WebSocket, channel: number, bytes: Uint8Array | string) =>
  socket.send(Buffer.concat([Buffer.of(channel), Buffer.from(bytes)]));

function greet(socket: WebSocket): void {
  send(socket, 0, PORT);
  send(socket, 1, PORT);
}

/** What is sent comes back. */
function echo(socket: WebSocket): void {
  greet(socket);
  socket.on("message", (data: Buffer) => send(socket, 0, data.subarray(1)));
}

function login() {
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const clusters = [
    { name: "c", cluster: { server: `http://127.0.0.1:${port}/cluster`, "insecure-skip-tls-verify": true } },
  ];
  const contexts = [{ name: "x", context: { cluster: "c", user: "u" } }];
  const users = [{ name: "u", user: {} }];
  return createKubeLogin({ kubeconfig: JSON.stringify({ clusters, contexts, users, "current-context": "x" }) });
}

async function read(stream: Duplex, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Buffer);
    if (Buffer.concat(chunks).length >= bytes) break;
  }
  return Buffer.concat(chunks);
}

describe("a connection to a port of a pod", () => {
  it("asks for the port below the server's own path", async () => {
    const stream = await openForward(login(), TARGET);
    stream.destroy();
    expect(paths).toEqual([PATH]);
  });

  it("carries bytes both ways as they are, without the port's number", async () => {
    serve = echo;
    const stream = await openForward(login(), TARGET);
    const sent = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
    stream.write(sent);
    expect((await read(stream, sent.length)).equals(sent)).toBe(true);
    stream.destroy();
  });

  it("leaves out the port's number also where it comes in two pieces, or with the first bytes", async () => {
    serve = (socket) => {
      send(socket, 0, PORT.subarray(0, 1));
      send(socket, 0, Buffer.concat([PORT.subarray(1), Buffer.from("hel")]));
      send(socket, 0, "lo");
      socket.close();
    };
    expect(await text(await openForward(login(), TARGET))).toBe("hello");
  });

  it("stops reading while nobody takes what comes", async () => {
    const total = 64;
    const mebibyte = Buffer.alloc(1_048_576);
    let far: WebSocket | undefined;
    serve = (socket) => {
      far = socket;
      greet(socket);
      for (let sent = 0; sent < total; sent += 1) send(socket, 0, mebibyte);
      socket.close();
    };
    const stream = await openForward(login(), TARGET);
    await once(stream, "readable");
    expect(stream.readableLength).toBeLessThan(3 * mebibyte.length);
    expect(far?.bufferedAmount).toBeGreaterThan(total * mebibyte.length * 0.5);
    expect(await buffer(stream)).toHaveLength(total * mebibyte.length);
  });

  it("ends when the pod ends it, and ends there when it is ended here", async () => {
    const closed = Promise.withResolvers<void>();
    serve = (socket) => {
      greet(socket);
      socket.on("close", () => closed.resolve());
    };
    const stream = await openForward(login(), TARGET);
    stream.resume().end();
    await closed.promise;
    serve = (socket) => {
      greet(socket);
      socket.close();
    };
    expect(await text(await openForward(login(), TARGET))).toBe("");
  });

  it("breaks with the node's words where nobody listens on the port", async () => {
    serve = (socket) => {
      greet(socket);
      send(socket, 1, "connection refused ");
      socket.close();
    };
    const stream = await openForward(login(), TARGET);
    await expect(text(stream)).rejects.toMatchObject({ reason: "PortForwardFailed", message: "connection refused" });
  });

  it.each([
    [
      403,
      { message: "pods is forbidden", reason: "Forbidden", code: 403 },
      { status: 403, message: "pods is forbidden" },
    ],
    [502, "a proxy's words", { status: 502, message: "a proxy's words" }],
  ])("is refused with status %i in the server's words", async (status, body, expected) => {
    server.removeAllListeners("upgrade");
    server.on("upgrade", (_request, socket) => {
      const words = typeof body === "string" ? body : JSON.stringify(body);
      socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: ${words.length}\r\nconnection: close\r\n\r\n${words}`);
    });
    await expect(openForward(login(), TARGET)).rejects.toMatchObject(expected);
  });

  it("is refused where nobody answers", async () => {
    const unreachable = login();
    server.close();
    await expect(openForward(unreachable, TARGET)).rejects.toMatchObject({ status: 0, reason: "Unreachable" });
  });
});

describe("a port of this machine that leads to a pod", () => {
  it("makes a connection there for each one here, the first one ahead", async () => {
    serve = echo;
    const own = login();
    await using local = await listenForForward(() => openForward(own, TARGET));
    expect(paths).toHaveLength(1);
    for (const word of ["one", "two"]) {
      const near = connect(local.port, "127.0.0.1");
      near.write(word);
      expect(String(await read(near, word.length))).toBe(word);
      near.destroy();
    }
    expect(paths).toHaveLength(2);
  });

  it("tells at once that the way is closed", async () => {
    const refused = new Error("no pod is ready");
    await expect(listenForForward(() => Promise.reject(refused))).rejects.toBe(refused);
  });

  it("breaks a connection that leads nowhere any more, and finds the way again", async () => {
    serve = echo;
    const own = login();
    let isAway = false;
    const find = () => (isAway ? Promise.reject(new Error("gone")) : openForward(own, TARGET));
    await using local = await listenForForward(find);
    for (const socket of sockets.clients) socket.terminate();
    isAway = true;
    const lost = connect(local.port, "127.0.0.1");
    await once(lost, "close");
    isAway = false;
    const near = connect(local.port, "127.0.0.1");
    near.write("again");
    expect(String(await read(near, 5))).toBe("again");
    near.destroy();
  });
});
