import { mkdtempSync, rmSync, statSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { Agent, fetch } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { acceptBytes, verifiedBytes } from "../../src/http/bytes-body.ts";
import { createMetrics } from "../../src/http/process-metrics.ts";
import { createHttpServer, type HttpApp, type HttpServer } from "../../src/http/server.ts";
import { createLog } from "../../src/log/log.ts";

const TOKEN = "a-token-of-the-test";
const authorization = `Bearer ${TOKEN}`;
let folder: string;
let path: string;
let server: HttpServer;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "emufarm-http-"));
  path = join(folder, "s");
  server = await createHttpServer({
    log: createLog({ name: "test", level: "silent" }),
    trust: { token: TOKEN, tokenFile: "/data/token" },
    metrics: createMetrics(),
  });
});

afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

test("the socket of a server that was killed is replaced, with a mode for its user only", async () => {
  const killed = createServer();
  await new Promise<void>((resolve) => killed.listen(path, resolve));
  await expect(server.listen({ kind: "unix", path })).rejects.toMatchObject({ code: "Conflict" });
  // Closing a server of Node removes its socket; a killed process leaves it.
  const left = join(folder, "left");
  await new Promise<void>((resolve) => createServer().listen({ path: left }, resolve));
  killed.close();
  await server.listen({ kind: "unix", path });
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("a path that the kernel would cut is refused", async () => {
  await expect(server.listen({ kind: "unix", path: join(folder, "x".repeat(120)) })).rejects.toMatchObject({
    code: "SocketPathTooLong",
  });
});

test("on a unix socket any Host is answered, and no page's Origin", async () => {
  server.app.get("/", async () => ({}));
  await server.listen({ kind: "unix", path });
  const dispatcher = new Agent({ connect: { socketPath: path } });
  const status = async (headers: Record<string, string>) =>
    (await fetch("http://agent.example/", { dispatcher, headers: { authorization, ...headers } })).status;
  expect(await status({})).toBe(200);
  expect(await status({ origin: "http://agent.example" })).toBe(403);
  await dispatcher.close();
});

test("a WebSocket is refused without a token and from a foreign page, and echoes with one", async () => {
  server.app.get("/echo", { websocket: true }, (socket) => {
    socket.on("message", (data) => socket.send(data));
  });
  const address = await server.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
  const url = `ws://127.0.0.1:${address.kind === "tcp" && address.port}/echo`;
  const refusal = async (headers: Record<string, string>) => {
    const socket = new WebSocket(url, { headers });
    return await new Promise((resolve) =>
      socket.once("unexpected-response", (_request, response) => resolve(response.statusCode)),
    );
  };
  expect(await refusal({})).toBe(401);
  expect(await refusal({ authorization, origin: "http://evil.example" })).toBe(403);
  expect(await refusal({ authorization, host: "10.0.2.2" })).toBe(403);
  const socket = new WebSocket(url, ["emufarm", `emufarm.bearer.${TOKEN}`]);
  const echoed = new Promise((resolve) => socket.once("message", (data) => resolve(String(data))));
  socket.once("open", () => socket.send("hello"));
  expect(await echoed).toBe("hello");
  expect(socket.protocol).toBe("emufarm");
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await server.close();
  expect(await closed).toBe(1001);
});

test("closing ends endless streams, and cuts a caller who never reads", async () => {
  server.app.get("/endless", async (_request, reply) => {
    const stream = new Readable({ read() {} });
    stream.push("first\n");
    server.closing.addEventListener("abort", () => stream.push(null));
    return reply.send(stream);
  });
  server.app.get("/flood", async (_request, reply) =>
    reply.send(
      Readable.from(
        (async function* () {
          for (;;) yield Buffer.alloc(65_536);
        })(),
      ),
    ),
  );
  await server.listen({ kind: "unix", path });
  const dispatcher = new Agent({ connect: { socketPath: path } });
  const answer = await fetch("http://agent/endless", { dispatcher, headers: { authorization } });
  const mute = connect({ path }, () =>
    mute.write(`GET /flood HTTP/1.1\r\nhost: a\r\nauthorization: ${authorization}\r\n\r\n`),
  );
  await new Promise<void>((resolve) => mute.once("readable", resolve));
  const cut = new Promise((resolve) => mute.once("close", resolve));
  mute.on("error", () => {});
  const text = answer.text();
  await server.close(100);
  expect(await text).toBe("first\n");
  mute.resume();
  await cut;
  await dispatcher.close();
});

test("bytes are passed on as they come and refused when their digest is another", async () => {
  const digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
  await server.app.register(async (scope: HttpApp) => {
    acceptBytes(scope);
    scope.put<{ Params: { sha256: string } }>("/bytes/:sha256", async (request) => {
      let bytes = 0;
      const body = request.body as Readable;
      for await (const chunk of verifiedBytes(body, request.params.sha256, 10)) bytes += chunk.length;
      return { bytes };
    });
  });
  const put = async (sha256: string, payload: string) =>
    await server.app.inject({ method: "PUT", url: `/bytes/${sha256}`, headers: { authorization }, payload });
  expect((await put(digest, "hello")).json()).toEqual({ bytes: 5 });
  expect((await put(digest, "HELLO")).json()).toMatchObject({ code: "DigestMismatch" });
  expect((await put(digest, "hello".repeat(5))).json()).toMatchObject({ code: "BodyTooLarge" });
});
