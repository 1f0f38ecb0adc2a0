import { Registry } from "prom-client";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AgentClient } from "../../../src/client/agent-client.ts";
import { FarmError } from "../../../src/core/error/farm-error.ts";
import { attemptIdOf, jobIdOf } from "../../../src/core/policy/attempt-id.ts";
import type { AttemptResult } from "../../../src/core/wire/attempt.ts";
import { PATIENCE } from "../../patience.ts";
import { createDispatchFixture, type DispatchFixture } from "./dispatch-fixture.ts";
import { createFakeAgent } from "./fake-agent.ts";

let farm: DispatchFixture;
beforeEach(async () => {
  farm = await createDispatchFixture();
});
afterEach(async () => {
  await farm[Symbol.asyncDispose]();
});

const failed: Partial<AttemptResult> = {
  verdict: "failed",
  error: new FarmError("NonZeroExit", { code: 1 }).toBody(),
};
/** Agents that come and go, as pods do. */
function changingAgents(known = Promise.resolve()) {
  const agents = new Map<string, AgentClient>();
  const listeners = new Set<() => void>();
  return {
    agents,
    known,
    watch(listener: () => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    set(clients: readonly AgentClient[]) {
      agents.clear();
      for (const client of clients) agents.set(client.address, client);
      for (const listener of listeners) listener();
    },
    async [Symbol.asyncDispose]() {},
  };
}

const broken: Partial<AttemptResult> = {
  verdict: "errored",
  error: new FarmError("EmulatorStartFailed", { detail: "no memory" }).toBody(),
};

describe("the dispatcher", () => {
  test("runs every job of a run once, stores verdict and log, and lets the agent forget", async () => {
    const agents = [createFakeAgent("a", 4), createFakeAgent("b", 4)];
    await farm.startDispatcher(agents);
    const run = await farm.submit(200);
    const verdicts = await farm.verdictsOf(run);
    expect(verdicts.map((verdict) => verdict.verdict)).toEqual(Array(200).fill("passed"));
    const puts = agents.flatMap((agent) => agent.puts);
    expect(new Set(puts).size).toBe(200);
    expect(puts.length).toBe(200);
    await vi.waitFor(() => expect(agents.flatMap((agent) => [...agent.attempts])).toEqual([]), PATIENCE);
    const log = await farm.store.openLog({ jobId: jobIdOf(run.id, 7), attempt: 1, uart: "uart0" });
    expect(Buffer.concat(await Array.fromAsync(log ?? [])).toString()).toBe("ok\n");
  });

  test("goes on where every event of an attempt comes before the answer to its request", async () => {
    const agent = createFakeAgent("a", 2);
    agent.isAnswerLate = true;
    await farm.startDispatcher([agent]);
    const run = await farm.submit(20);
    expect(await farm.verdictsOf(run)).toHaveLength(20);
  });

  test("never asks for more slots than there are", async () => {
    const agent = createFakeAgent("a", 2);
    agent.behaviour = () => "runs on";
    await farm.startDispatcher([agent]);
    await farm.submit(10);
    await vi.waitFor(() => expect(agent.attempts.size).toBe(2), PATIENCE);
    expect(await farm.queue.waitingRoom.size("default")).toBeGreaterThanOrEqual(6);
  });

  test("tells where a job runs", async () => {
    const agent = createFakeAgent("a", 1);
    agent.behaviour = () => "runs on";
    await farm.startDispatcher([agent]);
    const run = await farm.submit(1);
    const jobId = jobIdOf(run.id, 0);
    const place = { attempt: 1, agent: "fake:a" };
    await vi.waitFor(async () => {
      expect((await farm.queue.placesOf("default").findPlaces([jobId])).get(jobId)).toEqual(place);
    }, PATIENCE);
    // The signal comes by a connection of its own.
    await vi.waitFor(() => expect(farm.signals).toContainEqual({ type: "jobRunning", jobId, ...place }), PATIENCE);
    agent.finish(attemptIdOf(jobId, 1));
    await farm.verdictsOf(run);
    await vi.waitFor(
      async () => expect(await farm.queue.placesOf("default").findPlaces([jobId])).toEqual(new Map()),
      PATIENCE,
    );
  });

  test("gives a failed test its verdict, and tries it again only when asked", async () => {
    const agent = createFakeAgent("a", 2);
    agent.behaviour = (id) => (id.endsWith(".1") ? failed : {});
    await farm.startDispatcher([agent]);
    const [once] = await farm.verdictsOf(await farm.submit(1));
    expect(once).toMatchObject({ verdict: "failed", attempt: 1, isFlaky: false, isExpected: false });
    const [again] = await farm.verdictsOf(await farm.submit(1, { retries: { test: 1 } }));
    expect(again).toMatchObject({ verdict: "passed", attempt: 2, isFlaky: true, isExpected: true });
    expect(again?.attempts).toMatchObject([{ attempt: 1, error: { code: "NonZeroExit" } }]);
  });

  test("tries again elsewhere after a failure of the farm's, and gives up at the limit", async () => {
    const agents = [createFakeAgent("a", 1), createFakeAgent("b", 1)];
    for (const agent of agents) agent.behaviour = () => broken;
    await farm.startDispatcher(agents);
    const [verdict] = await farm.verdictsOf(await farm.submit(1));
    expect(verdict).toMatchObject({ verdict: "errored", attempt: 3, error: { code: "RetriesExhausted" } });
    expect(verdict?.attempts.map((one) => one.error?.code)).toEqual(["EmulatorStartFailed", "EmulatorStartFailed"]);
    expect(new Set(agents.map((agent) => agent.puts.length))).toEqual(new Set([1, 2]));
  });

  test("tries the attempts of a lost agent elsewhere, and takes no verdict from them any more", async () => {
    const [one, other] = [createFakeAgent("one", 1), createFakeAgent("other", 1)];
    for (const agent of [one, other]) agent.behaviour = () => "runs on";
    await farm.startDispatcher([one, other], { timings: { lossMs: 100 } });
    const run = await farm.submit(1);
    await vi.waitFor(() => expect([...one.puts, ...other.puts]).toHaveLength(1), PATIENCE);
    const [lost, left] = one.puts.length > 0 ? [one, other] : [other, one];
    const [first = ""] = lost.puts;
    lost.goAway();
    const second = attemptIdOf(jobIdOf(run.id, 0), 2);
    await vi.waitFor(() => expect(left.puts).toEqual([second]), PATIENCE);
    lost.finish(first, failed);
    lost.comeBack();
    await vi.waitFor(() => expect(lost.acknowledged).toEqual([first]), PATIENCE);
    expect(await farm.store.listFinishedJobs(run.id)).toEqual(new Set());
    left.finish(second);
    const [verdict] = await farm.verdictsOf(run);
    expect(verdict).toMatchObject({ verdict: "passed", attempt: 2, attempts: [{ error: { code: "AgentLost" } }] });
  });

  test("gives work to an agent that comes later, and tries elsewhere at once what one had that has gone for good", async () => {
    const [first, later] = [createFakeAgent("first", 1), createFakeAgent("later", 1)];
    for (const agent of [first, later]) agent.behaviour = () => "runs on";
    const directory = changingAgents();
    await farm.startDispatcher([], { directory, timings: { lossMs: 60_000 } });
    const run = await farm.submit(1);
    directory.set([first.client]);
    await vi.waitFor(() => expect(first.puts).toEqual([attemptIdOf(jobIdOf(run.id, 0), 1)]), PATIENCE);
    directory.set([later.client]);
    const second = attemptIdOf(jobIdOf(run.id, 0), 2);
    await vi.waitFor(() => expect(later.puts).toEqual([second]), PATIENCE);
    later.finish(second);
    const [verdict] = await farm.verdictsOf(run);
    expect(verdict).toMatchObject({
      verdict: "passed",
      attempts: [{ error: { code: "AgentLost", details: { detail: "it has gone" } } }],
    });
  });

  test("waits to hand out until it knows which agents there are", async () => {
    const agent = createFakeAgent("a", 1);
    const { promise: known, resolve } = Promise.withResolvers<void>();
    const directory = changingAgents(known);
    const starting = farm.startDispatcher([], { directory });
    const run = await farm.submit(1);
    directory.set([agent.client]);
    expect(agent.puts).toEqual([]);
    resolve();
    await starting;
    expect(await farm.verdictsOf(run)).toHaveLength(1);
  });

  test("takes up what the agents have after the death of a dispatcher, without handing anything out twice", async () => {
    const agent = createFakeAgent("a", 4);
    agent.behaviour = () => "runs on";
    const first = await farm.startDispatcher([agent]);
    const run = await farm.submit(4);
    await vi.waitFor(() => expect(agent.attempts.size).toBe(4), PATIENCE);
    await first[Symbol.asyncDispose]();
    const [one = "", two = "", three = "", four = ""] = [...agent.attempts.keys()];
    agent.finish(one);
    await farm.startDispatcher([agent]);
    for (const id of [two, three, four]) agent.finish(id);
    const verdicts = await farm.verdictsOf(run);
    expect(verdicts.map((verdict) => [verdict.verdict, verdict.attempt])).toEqual(Array(4).fill(["passed", 1]));
    expect(agent.puts).toHaveLength(4);
    expect(agent.epochs.size).toBe(1);
  });

  test("tries again what an agent that restarted no longer has", async () => {
    const agent = createFakeAgent("a", 2);
    agent.behaviour = (id) => (id.endsWith(".1") ? "runs on" : {});
    await farm.startDispatcher([agent]);
    const run = await farm.submit(2);
    await vi.waitFor(() => expect(agent.attempts.size).toBe(2), PATIENCE);
    agent.restart();
    const verdicts = await farm.verdictsOf(run);
    expect(verdicts.map((verdict) => [verdict.verdict, verdict.attempt, verdict.isFlaky])).toEqual(
      Array(2).fill(["passed", 2, false]),
    );
  });

  test("goes on without a loss when an agent is away for a moment", async () => {
    const agent = createFakeAgent("a", 2);
    agent.behaviour = () => "runs on";
    await farm.startDispatcher([agent]);
    const run = await farm.submit(2);
    await vi.waitFor(() => expect(agent.attempts.size).toBe(2), PATIENCE);
    agent.goAway();
    for (const id of [...agent.attempts.keys()]) agent.finish(id);
    agent.comeBack();
    const verdicts = await farm.verdictsOf(run);
    expect(verdicts.map((verdict) => [verdict.verdict, verdict.attempt])).toEqual(Array(2).fill(["passed", 1]));
    expect(agent.puts).toHaveLength(2);
  });

  test("delivers the verdicts of attempts that ran on while Redis was emptied, and runs the rest", async () => {
    const agent = createFakeAgent("a", 4);
    agent.behaviour = () => "runs on";
    await farm.startDispatcher([agent]);
    const run = await farm.submit(40);
    await vi.waitFor(() => expect(agent.attempts.size).toBe(4), PATIENCE);
    await farm.redis.command("FLUSHALL");
    agent.behaviour = () => ({});
    for (const id of [...agent.attempts.keys()]) agent.finish(id);
    const verdicts = await farm.verdictsOf(run);
    expect(verdicts).toHaveLength(40);
    expect(verdicts.every((verdict) => verdict.attempt === 1)).toBe(true);
    expect(new Set(agent.puts).size).toBe(40);
  });

  test("delivers verdicts while Redis is down, and goes on when it is back", async () => {
    const agent = createFakeAgent("a", 4);
    agent.behaviour = () => "runs on";
    await farm.startDispatcher([agent]);
    const run = await farm.submit(40);
    await vi.waitFor(() => expect(agent.attempts.size).toBe(4), PATIENCE);
    await farm.redis.kill();
    const held = [...agent.attempts.keys()];
    agent.behaviour = () => ({});
    for (const id of held) agent.finish(id);
    await vi.waitFor(async () => {
      expect((await farm.store.listFinishedJobs(run.id)).size).toBeGreaterThanOrEqual(4);
    }, PATIENCE);
    await farm.redis.start();
    expect(await farm.verdictsOf(run)).toHaveLength(40);
    expect(new Set(agent.puts).size).toBe(40);
  });

  test("waits for an agent whose disk is full, however often it refuses, and takes no try from the job", async () => {
    const agent = createFakeAgent("a", 1);
    agent.fullFor = 4;
    await farm.startDispatcher([agent]);
    expect(await farm.verdictsOf(await farm.submit(1))).toMatchObject([
      { verdict: "passed", attempt: 1, attempts: [] },
    ]);
    expect(agent.puts).toHaveLength(5);
  });

  test("cancels a job that waits for an agent whose disk is full", async () => {
    const agent = createFakeAgent("a", 1);
    agent.fullFor = 1_000;
    await farm.startDispatcher([agent]);
    const run = await farm.submit(1);
    await vi.waitFor(() => expect(agent.puts.length).toBeGreaterThan(1), PATIENCE);
    await farm.store.createCancellation(run.id, "no more");
    await farm.queue.signals.publish({ type: "cancelled", pool: "default", runId: run.id });
    const [verdict] = await farm.verdictsOf(run);
    expect(verdict).toMatchObject({ verdict: "cancelled", error: { message: "Cancelled: no more." } });
  });

  test("forgets no job whose next attempt Redis refused, as one does whose disk is full", async () => {
    const agent = createFakeAgent("a", 1);
    agent.behaviour = () => "runs on";
    const metrics = new Registry();
    await farm.startDispatcher([agent], { metrics, timings: { resyncMs: 200 } });
    const run = await farm.submit(1);
    await vi.waitFor(() => expect(agent.puts).toHaveLength(1), PATIENCE);
    // Without a replica it takes no more writes, and says so.
    await farm.redis.command("CONFIG", "SET", "min-replicas-to-write", "1");
    agent.behaviour = () => ({});
    agent.finish(agent.puts[0] ?? "", broken);
    await vi.waitFor(async () => expect(await metrics.metrics()).toMatch(/^emufarm_retries_total\S* 1$/m), PATIENCE);
    await farm.redis.command("CONFIG", "SET", "min-replicas-to-write", "0");
    expect(await farm.verdictsOf(run)).toMatchObject([{ verdict: "passed", attempt: 2 }]);
  });

  test("runs a run that was stored while no queue could be told of it", async () => {
    const agent = createFakeAgent("a", 4);
    await farm.startDispatcher([agent], { timings: { resyncMs: 200 } });
    expect(await farm.verdictsOf(await farm.submit(3, { isStoredOnly: true }))).toHaveLength(3);
  });

  test("completes a submission that died halfway, and a cancellation that nobody told of", async () => {
    const agent = createFakeAgent("a", 1);
    agent.behaviour = (id) => (id.includes("-000000.") ? "runs on" : {});
    await farm.startDispatcher([agent], { timings: { resyncMs: 300 } });
    const half = await farm.submit(3, { isStoredOnly: true });
    const first = { jobId: jobIdOf(half.id, 0), tenant: "tester", priority: 50 };
    await farm.queue.waitingRoom.submit("default", [first]);
    await vi.waitFor(() => expect(agent.attempts.size).toBe(1), PATIENCE);
    await farm.store.createCancellation(half.id, "not needed", [first.jobId]);
    const verdicts = await farm.verdictsOf(half);
    expect(verdicts.map((verdict) => verdict.verdict)).toEqual(["cancelled", "passed", "passed"]);
    expect(verdicts[0]?.error?.message).toBe("Cancelled: not needed.");
  });

  test("ends soon while Redis is away", async () => {
    const dispatcher = await farm.startDispatcher([createFakeAgent("a", 1)]);
    await vi.waitFor(() => expect(dispatcher.isActive).toBe(true), PATIENCE);
    await farm.redis.kill();
    await dispatcher[Symbol.asyncDispose]();
    expect(dispatcher.isActive).toBe(false);
  });

  test("lets only one of two dispatchers hand out, and the other one succeed it", async () => {
    const agent = createFakeAgent("a", 4);
    const first = await farm.startDispatcher([agent]);
    await vi.waitFor(() => expect(first.isActive).toBe(true), PATIENCE);
    const second = await farm.startDispatcher([agent]);
    await farm.verdictsOf(await farm.submit(50));
    expect([first.isActive, second.isActive]).toEqual([true, false]);
    expect(agent.epochs.size).toBe(1);
    await first[Symbol.asyncDispose]();
    await farm.verdictsOf(await farm.submit(50));
    expect(second.isActive).toBe(true);
    expect(new Set(agent.puts).size).toBe(100);
  });

  test("cancels a run of 10,000 wherever its jobs are", async () => {
    const agent = createFakeAgent("a", 4);
    agent.behaviour = () => "runs on";
    await farm.startDispatcher([agent]);
    const run = await farm.submit(10_000);
    await vi.waitFor(() => expect(agent.attempts.size).toBe(4), PATIENCE);
    await farm.store.createCancellation(run.id, "enough of it");
    await farm.queue.signals.publish({ type: "cancelled", pool: "default", runId: run.id });
    const verdicts = await farm.verdictsOf(run);
    expect(new Set(verdicts.map((verdict) => verdict.verdict))).toEqual(new Set(["cancelled"]));
    expect(new Set(verdicts.map((verdict) => verdict.error?.message))).toEqual(new Set(["Cancelled: enough of it."]));
    expect(agent.cancelled).toHaveLength(4);
    expect(agent.puts).toHaveLength(4);
    expect(await farm.queue.waitingRoom.size("default")).toBe(0);
  });

  test("gives jobs of a board that cannot run here a verdict that says so", async () => {
    const agent = createFakeAgent("a", 1);
    const error = new FarmError("BoardUnavailable", { board: "a-board", problem: "no emulator" }).toBody();
    await farm.startDispatcher([agent], { boards: { check: async () => ({ isAvailable: false, error }) } });
    const [verdict] = await farm.verdictsOf(await farm.submit(1));
    expect(verdict).toMatchObject({ verdict: "errored", isSkipped: true, attempt: 0, error: { code: error.code } });
    expect(agent.puts).toEqual([]);
  });
});
