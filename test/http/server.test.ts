import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import { FarmError } from "../../src/core/error/farm-error.ts";
import { createMetrics } from "../../src/http/process-metrics.ts";
import { createHttpServer, type HttpServer } from "../../src/http/server.ts";
import { createLog } from "../../src/log/log.ts";

const TOKEN = "a-token-of-the-test";
const authorization = `Bearer ${TOKEN}`;
const open: HttpServer[] = [];

async function server(notReady?: () => string | undefined): Promise<HttpServer> {
  const created = await createHttpServer({
    log: createLog({ name: "test", level: "silent" }),
    trust: { token: TOKEN, tokenFile: "/data/token", allowedHosts: ["farm.example"] },
    metrics: createMetrics(),
    bodyLimitBytes: 1_000,
    farewell: () => "it goes home",
    ...(notReady && { notReady }),
  });
  open.push(created);
  const item = z.object({
    board: z.object({ ramMiB: z.number().int() }),
    load: z.union([z.string(), z.object({ at: z.number() })]),
  });
  created.app.put("/items/:id", { schema: { body: item } }, async (request) => ({ taken: request.body.board.ramMiB }));
  created.app.get("/full", async () => {
    throw new FarmError("NoFreeSlot", { slots: 4 });
  });
  created.app.get("/bug", async () => {
    throw new TypeError("oh");
  });
  return created;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

test.each([
  ["the right token", { authorization }, 200],
  ["no token", {}, 401],
  ["another token", { authorization: "Bearer x" }, 401],
  ["the token without its scheme", { authorization: TOKEN }, 401],
  ["the token as a WebSocket's subprotocol", { "sec-websocket-protocol": `emufarm, emufarm.bearer.${TOKEN}` }, 200],
  ["a foreign Host", { authorization, host: "evil.example:80" }, 403],
  ["the host as a guest sees it", { authorization, host: "10.0.2.2:8080" }, 403],
  ["a Host that is allowed", { authorization, host: "farm.example:80" }, 200],
  ["a foreign Origin", { authorization, origin: "https://evil.example" }, 403],
  ["another port's Origin", { authorization, host: "localhost:80", origin: "http://localhost:3000" }, 403],
  ["the opaque Origin", { authorization, origin: "null" }, 403],
  ["its own Origin", { authorization, host: "localhost:8080", origin: "http://localhost:8080" }, 200],
])("a request with %s is answered rightly", async (_name, headers, status) => {
  const { app } = await server();
  const body = { board: { ramMiB: 4 }, load: "kernel" };
  const answer = await app.inject({ method: "PUT", url: "/items/1", headers, payload: body });
  expect(answer.statusCode).toBe(status);
  if (status === 401) expect(answer.headers["www-authenticate"]).toContain("Bearer");
});

test("a body that does not fit the schema is refused and each wrong field is named", async () => {
  const { app } = await server();
  const answer = await app.inject({
    method: "PUT",
    url: "/items/1",
    headers: { authorization },
    payload: { board: { ramMiB: "much" }, load: { at: "x" } },
  });
  expect(answer.statusCode).toBe(400);
  expect(answer.json()).toMatchObject({ code: "InvalidRequest", class: "job" });
  expect(answer.json().message).toContain("body.board.ramMiB: invalid input: expected number");
  expect(answer.json().message).toContain("body.load.at:");
});

test.each([
  ["no JSON", { "content-type": "application/json" }, "{", 400, "InvalidRequest"],
  ["another type", { "content-type": "text/plain" }, "x", 400, "InvalidRequest"],
  ["a body over the limit", { "content-type": "application/json" }, `"${"x".repeat(2_000)}"`, 413, "BodyTooLarge"],
])("%s is refused with its code", async (_name, headers, payload, status, code) => {
  const { app } = await server();
  const answer = await app.inject({ method: "PUT", url: "/items/1", headers: { authorization, ...headers }, payload });
  expect(answer.statusCode).toBe(status);
  expect(answer.json()).toMatchObject({ code });
});

test("errors of the farm keep code, class and details; others say only that they should not have happened", async () => {
  const { app } = await server();
  const full = await app.inject({ url: "/full", headers: { authorization } });
  expect(full.statusCode).toBe(409);
  expect(full.json()).toEqual(new FarmError("NoFreeSlot", { slots: 4 }).toBody());
  const bug = await app.inject({ url: "/bug", headers: { authorization } });
  expect(bug.statusCode).toBe(500);
  expect(bug.json().code).toBe("Internal");
  const missing = await app.inject({ url: "/nowhere", headers: { authorization } });
  expect(missing.json()).toMatchObject({ code: "NotFound", details: { name: "GET /nowhere" } });
});

test("health, readiness and metrics need no token, and readiness says what is missing", async () => {
  let reason: string | undefined = "Redis cannot be reached";
  const { app } = await server(() => reason);
  expect((await app.inject("/healthz")).statusCode).toBe(200);
  const notReady = await app.inject("/readyz");
  expect([notReady.statusCode, notReady.json().reason]).toEqual([503, reason]);
  reason = undefined;
  expect((await app.inject("/readyz")).statusCode).toBe(200);
  const metrics = await app.inject("/metrics");
  expect(metrics.body).toContain('emufarm_http_requests_total{method="GET",route="/readyz",status="503"} 1');
  expect(metrics.body).toContain("process_resident_memory_bytes");
});

test("whoever has a WebSocket open is told why it closes", async () => {
  const created = await server();
  created.app.get("/socket", { websocket: true }, () => {});
  const address = await created.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
  const socket = new WebSocket(`ws://127.0.0.1:${address.kind === "tcp" && address.port}/socket`, {
    headers: { authorization },
  });
  const closed = Promise.withResolvers<[number, string]>();
  socket.once("close", (code, reason) => closed.resolve([code, reason.toString()]));
  await new Promise((resolve) => socket.once("open", resolve));
  await created.close();
  expect(await closed.promise).toEqual([1001, "it goes home"]);
});

test("a port that is taken is told with the way to choose another one", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as AddressInfo;
  const { listen } = await server();
  await expect(listen({ kind: "tcp", host: "127.0.0.1", port }, "--port")).rejects.toMatchObject({
    code: "PortInUse",
    message: `Port ${port} of 127.0.0.1 is taken by another program. Choose another one: --port.`,
  });
  other.close();
});

test("a port of 0 takes a free one and tells it", async () => {
  const { listen } = await server();
  const address = await listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
  expect(address.kind === "tcp" && address.port).toBeGreaterThan(0);
});

test("what failed is logged by its path: the query may hold a signature", async () => {
  const lines: string[] = [];
  await using failing = await createHttpServer({
    log: createLog({ name: "test", stream: { write: (line) => void lines.push(line) } }),
    trust: { token: TOKEN, tokenFile: "/data/token" },
    metrics: createMetrics(),
  });
  failing.app.get("/blobs/:id", async () => {
    throw new TypeError("oh");
  });
  await failing.app.inject({ url: "/blobs/1?signature=secret", headers: { authorization } });
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ method: "GET", path: "/blobs/1" });
  expect(lines[0]).not.toContain("secret");
});
