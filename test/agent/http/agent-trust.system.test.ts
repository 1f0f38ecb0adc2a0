import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { Agent, fetch } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAgentClient } from "../../../src/client/agent-client.ts";
import { AgentLab, TOKEN } from "../attempt/agent-lab.ts";

let lab: AgentLab;
let dispatcher: Agent;

beforeAll(async () => {
  lab = await AgentLab.start();
  dispatcher = new Agent({ connect: { socketPath: lab.address.slice("unix:".length) } });
});

afterAll(async () => {
  await dispatcher.close();
  await lab[Symbol.asyncDispose]();
});

async function ask(path: string, options: { method?: string; headers?: Record<string, string>; body?: string } = {}) {
  const answer = await fetch(`http://agent${path}`, { dispatcher, ...options });
  return { status: answer.status, body: (await answer.json()) as { code: string; message: string } };
}

const authorization = `Bearer ${TOKEN}`;
const json = { authorization, "content-type": "application/json" };

test.each([
  ["no token", "/v1/info", {}, 401, "Unauthenticated"],
  ["another token", "/v1/events", { headers: { authorization: "Bearer no" } }, 401, "Unauthenticated"],
  ["a web page's request", "/v1/info", { headers: { authorization, origin: "http://evil.example" } }, 403, "Forbidden"],
  ["a wrong attempt id", "/v1/attempts/UPPER", { headers: { authorization } }, 400, "InvalidRequest"],
  ["an unknown attempt", "/v1/attempts/a.1", { headers: { authorization } }, 404, "NotFound"],
  ["an unknown attempt's log", "/v1/attempts/a.1/uarts/uart0/log", { headers: { authorization } }, 404, "NotFound"],
  [
    "a spec with nothing in it",
    "/v1/attempts/a.1",
    { method: "PUT", headers: json, body: "{}" },
    400,
    "InvalidRequest",
  ],
  [
    "firmware with another digest",
    `/v1/firmware/${"0".repeat(64)}`,
    { method: "PUT", headers: { authorization }, body: "bytes" },
    422,
    "DigestMismatch",
  ],
])("%s is refused", async (_name, path, options, status, code) => {
  expect(await ask(path, options)).toMatchObject({ status, body: { code } });
});

/** Only announced: the agent answers at once and closes, and a caller that still writes may miss the answer. */
test("a body that is too large is refused", async () => {
  const socketPath = lab.address.slice("unix:".length);
  const headers = { ...json, "content-length": 5_000_002 };
  const put = request({ socketPath, path: "/v1/attempts/a.1", method: "PUT", headers });
  put.flushHeaders();
  const [answer] = (await once(put, "response")) as [IncomingMessage];
  // The agent closes while the body is owed: that end is the answer's, not a failure.
  put.on("error", () => {});
  expect(answer.statusCode).toBe(413);
  expect(JSON.parse(await text(answer))).toMatchObject({ code: "BodyTooLarge" });
  put.destroy();
});

test("the token is no secret that a log tells", () => {
  expect(lab.log).not.toContain(TOKEN);
});

test("a client without the token gets the sentence that tells where it lies", async () => {
  await using stranger = createAgentClient({ address: lab.address, token: "wrong" });
  await expect(stranger.info()).rejects.toMatchObject({ code: "Unauthenticated" });
  await expect(stranger.openConsole({ attempt: "a.1" }, "uart0", () => {})).rejects.toMatchObject({
    code: "Unauthenticated",
  });
  await expect(stranger.events().next()).rejects.toThrow(`${lab.folder}/token`);
});
