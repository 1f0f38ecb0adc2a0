import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { type AgentEvents, createAgentEvents } from "../../../src/agent/agent-events.ts";
import type { AgentParts } from "../../../src/agent/agent-parts.ts";
import { createSlotPool } from "../../../src/agent/guest/slot-pool.ts";
import { addEventRoutes } from "../../../src/agent/http/event-routes.ts";
import { createAgentClient } from "../../../src/client/agent-client.ts";
import { createHttpServer } from "../../../src/http/server.ts";
import { createLog } from "../../../src/log/log.ts";

const TOKEN = "a-token-of-the-test";
const MIB = 1024 * 1024;

async function startEvents() {
  const folder = await mkdtemp(join(tmpdir(), "ev-"));
  const events: AgentEvents = createAgentEvents();
  const server = await createHttpServer({
    log: createLog({ name: "test", level: "silent" }),
    trust: { token: TOKEN, tokenFile: "token" },
    metrics: new Registry(),
  });
  const parts: Partial<AgentParts> = {
    agentId: "agent",
    events,
    slots: createSlotPool([], () => {}),
    attempts: { list: () => [] } as unknown as AgentParts["attempts"],
    instances: { list: () => [] } as unknown as AgentParts["instances"],
  };
  addEventRoutes(server, parts as AgentParts);
  await server.listen({ kind: "unix", path: join(folder, "agent.sock") });
  const client = createAgentClient({ address: `unix:${folder}/agent.sock`, token: TOKEN });
  return {
    events,
    follow: () => client.events(new AbortController().signal)[Symbol.asyncIterator](),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Emits so many bytes of events before anybody can read one. */
function emitAtOnce(events: AgentEvents, bytes: number): void {
  const id = `${"x".repeat(MIB)}.1`;
  for (let emitted = 0; emitted < bytes; emitted += MIB) events.emit({ type: "attemptRunning", id });
}

test("a follower that is too many bytes behind is let go, and begins anew when it comes back", async () => {
  await using rig = await startEvents();
  const follower = rig.follow();
  expect((await follower.next()).value).toMatchObject({ type: "hello" });
  emitAtOnce(rig.events, 40 * MIB);
  await expect(follower.next()).rejects.toMatchObject({ code: "AgentLost" });
  expect((await rig.follow().next()).value).toMatchObject({ type: "hello" });
});

test("any number of small events is kept for a follower", async () => {
  await using rig = await startEvents();
  const follower = rig.follow();
  await follower.next();
  for (let number = 1; number <= 20_000; number += 1) rig.events.emit({ type: "attemptReady", id: `job.${number}` });
  let last: unknown;
  for (let number = 1; number <= 20_000; number += 1) last = (await follower.next()).value;
  expect(last).toEqual({ type: "attemptReady", id: "job.20000" });
});
