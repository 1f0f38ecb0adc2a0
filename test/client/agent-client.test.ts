import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type AgentClient, createAgentClient } from "../../src/client/agent-client.ts";
import { FarmError } from "../../src/core/error/farm-error.ts";

let folder: string;
let client: AgentClient;
let server: Server | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ac-"));
  client = createAgentClient({ address: `unix:${folder}/s`, token: "t" });
});

afterEach(async () => {
  await client[Symbol.asyncDispose]();
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  rmSync(folder, { recursive: true });
});

async function serve(listener: RequestListener): Promise<void> {
  const created = createServer(listener);
  server = created;
  await new Promise<void>((resolve) => created.listen(join(folder, "s"), resolve));
}

test("an error of the agent comes out as it went in", async () => {
  const error = new FarmError("NoFreeSlot", { slots: 4 });
  await serve((_request, response) => response.writeHead(error.status).end(JSON.stringify(error.toBody())));
  await expect(client.attempts()).rejects.toMatchObject(error.toBody());
  await expect(client.openConsole({ attempt: "a.1" }, "uart0", () => {})).rejects.toMatchObject({ code: "NoFreeSlot" });
  await expect(client.log({ attempt: "a.1" }, "uart0").next()).rejects.toBeInstanceOf(FarmError);
});

test.each<[string, RequestListener | undefined]>([
  ["nobody is there", undefined],
  ["the connection breaks", (request) => request.socket.destroy()],
  ["something else answers", (_request, response) => response.writeHead(500).end("<html>")],
])("the agent is lost when %s", async (_name, listener) => {
  if (listener) await serve(listener);
  const lost = { code: "AgentLost", class: "infrastructure", details: { agent: `unix:${folder}/s` } };
  await expect(client.info()).rejects.toMatchObject(lost);
  await expect(client.events().next()).rejects.toMatchObject(lost);
  await expect(client.openQmp({ instance: "i" }, () => {})).rejects.toMatchObject(lost);
});

test("the token and the epoch travel in headers, the spec as JSON", async () => {
  const seen = Promise.withResolvers<unknown>();
  await serve((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      const { authorization, "emufarm-epoch": epoch, "content-type": type } = request.headers;
      seen.resolve({ method: request.method, url: request.url, authorization, epoch, type, body: JSON.parse(body) });
      response.end("{}");
    });
  });
  await client.putAttempt("a.1", { tenant: "t" } as never, 5);
  expect(await seen.promise).toEqual({
    method: "PUT",
    url: "/v1/attempts/a.1",
    authorization: "Bearer t",
    epoch: "5",
    type: "application/json",
    body: { tenant: "t" },
  });
});

test("events come as they are written, and the end of the stream is the agent's loss", async () => {
  await serve((_request, response) => {
    response.write('\n{"type":"slots","freeSlots":1,"isDraining":false}\n');
    response.end('{"type":"attemptRunning","id":"a.1"}\n');
  });
  const events = client.events();
  expect(await events.next()).toMatchObject({ value: { type: "slots", freeSlots: 1 } });
  expect(await events.next()).toMatchObject({ value: { type: "attemptRunning", id: "a.1" } });
  await expect(events.next()).rejects.toMatchObject({ code: "AgentLost" });
});

test("a follower that gives up gets its own reason, and its connection ends", async () => {
  const closed = Promise.withResolvers<void>();
  await serve((request, response) => {
    response.write("some bytes");
    request.socket.once("close", () => closed.resolve());
  });
  const controller = new AbortController();
  const log = client.log({ attempt: "a.1" }, "uart0", { isFollowed: true, signal: controller.signal });
  expect(await log.next()).toMatchObject({ value: Buffer.from("some bytes") });
  const reason = new Error("enough");
  controller.abort(reason);
  await expect(log.next()).rejects.toBe(reason);
  await closed.promise;
});

test("breaking off a loop ends the request", async () => {
  const closed = Promise.withResolvers<void>();
  await serve((request, response) => {
    response.write("some bytes");
    request.socket.once("close", () => closed.resolve());
  });
  for await (const _chunk of client.log({ attempt: "a.1" }, "uart0", { isFollowed: true })) break;
  await closed.promise;
});
