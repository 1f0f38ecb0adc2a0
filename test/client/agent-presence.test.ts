import { expect, test } from "vitest";
import { AgentPresence } from "../../src/client/agent-presence.ts";
import { FarmError } from "../../src/core/error/farm-error.ts";
import type { AgentEvent } from "../../src/core/wire/agent-event.ts";
import type { DesiredStateInput, InstanceStatus } from "../../src/core/wire/desired-state.ts";

const instance = (uid: string, generation = 1) => ({ uid, generation }) as InstanceStatus;
const hello = (agentId: string, ...uids: string[]) =>
  ({ type: "hello", agentId, instances: uids.map((uid) => instance(uid)) }) as unknown as AgentEvent;

/** An agent whose streams say what the test gives them. */
function presenceOf(
  streams: (() => AsyncIterable<AgentEvent>)[],
  lossMs = 600_000,
  answer: () => Promise<InstanceStatus> | undefined = async () => instance("a"),
) {
  const heard: string[] = [];
  const lost = Promise.withResolvers<void>();
  const client = {
    events: (signal: AbortSignal) => streams.shift()?.() ?? silence(signal),
    putDesired: answer,
  } as unknown as ConstructorParameters<typeof AgentPresence>[0]["client"];
  const presence = new AgentPresence({
    client,
    lossMs,
    lossMessage: (problem) => `Gone: ${problem}. Wait.`,
    onEvent: ({ type }) => heard.push(type),
    onBroken: (error) => heard.push((error as Error).message),
    onLost: () => lost.resolve(),
  });
  return { presence, heard, lost: lost.promise };
}

async function* silence(signal: AbortSignal): AsyncGenerator<AgentEvent> {
  yield await new Promise<never>((_resolve, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason as Error)),
  );
}

test("what an agent has is what it says after each connection, then each change", async () => {
  async function* first() {
    yield hello("process-1", "a", "b");
    yield { type: "instanceDeleted", uid: "a" } as AgentEvent;
    throw new Error("the stream broke");
  }
  async function* second(): AsyncGenerator<AgentEvent> {
    yield hello("process-2", "c");
    yield { type: "instance", instance: instance("c", 2) };
    await new Promise(() => {});
  }
  const { presence, heard } = presenceOf([first, second]);
  expect(presence.observe("a")).toEqual({ state: "connecting" });
  await expect.poll(() => heard).toContain("instance");
  expect(heard).toEqual(["hello", "instanceDeleted", "the stream broke", "hello", "instance"]);
  expect(presence.agentId).toBe("process-2");
  expect(presence.uids).toEqual(["c"]);
  expect(presence.observe("c")).toMatchObject({ state: "connected", instance: { generation: 2 } });
  expect(presence.observe("a")).toEqual({ state: "connected", instance: undefined });
});

test("what an agent answers is known at once, but nothing that it has told meanwhile is taken back", async () => {
  const told = Promise.withResolvers<AgentEvent>();
  async function* stream(): AsyncGenerator<AgentEvent> {
    yield hello("process", "a");
    yield await told.promise;
    await new Promise(() => {});
  }
  const answers = [Promise.withResolvers<InstanceStatus>(), Promise.withResolvers<InstanceStatus>()] as const;
  const asked = answers.map(({ promise }) => promise);
  const { presence, heard } = presenceOf([stream], 600_000, () => asked.shift());
  await expect.poll(() => heard).toEqual(["hello"]);
  const put = (uid: string) => presence.putDesired({ uid } as DesiredStateInput);
  const [quiet, overtaken] = [put("b"), put("a")];
  answers[0].resolve(instance("b", 2));
  await quiet;
  expect(presence.observe("b")).toMatchObject({ instance: { generation: 2 } });
  told.resolve({ type: "instance", instance: { ...instance("a", 2), isReady: true } });
  await expect.poll(() => heard).toEqual(["hello", "instance"]);
  answers[1].resolve({ ...instance("a", 2), isReady: false });
  await overtaken;
  expect(presence.observe("a")).toMatchObject({ instance: { isReady: true } });
  presence.forget("b");
  expect(presence.uids).toEqual(["a"]);
});

test("an agent that does not answer for so long is lost, with the reason, and is told no news meanwhile", async () => {
  const refused = (): AsyncIterable<AgentEvent> => {
    throw new FarmError("AgentLost", { agent: "a", detail: "nobody listens" });
  };
  const { presence, lost } = presenceOf([refused], 1);
  await using _ = presence;
  await lost;
  expect(presence.agentId).toBeUndefined();
  expect(presence.observe("a")).toMatchObject({ state: "lost", problem: { reason: "AgentLost" } });
  await presence.putDesired({ uid: "a" } as DesiredStateInput);
  expect(presence.uids).toEqual([]);
});
