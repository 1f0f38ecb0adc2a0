import { expect, test } from "vitest";
import { ENDLESS, EventLog, readUntil } from "./agent-lab.ts";
import { shareAgent } from "./shared-agent.ts";

const agent = shareAgent("job");

test("firmware that says so and ends passes, with its log, timings and emulator in the result", async () => {
  const id = agent.nextId();
  // In a process of its own: where one was to be kept or made ready, the slot soon would have another emulator.
  const status = await agent.lab.client.putAttempt(id, await agent.lab.spec("hello", { strategy: "spawn" }));
  expect(status).toMatchObject({ id, state: "preparing" });
  const result = await agent.events.resultOf(id);
  expect(result).toMatchObject({
    verdict: "passed",
    exit: { reason: "GuestExited", code: 0 },
    lastLines: ["boot ok"],
    boots: 1,
    resets: 0,
    emulator: { binary: "qemu-system-arm", accelerator: "tcg", strategy: "spawn" },
  });
  const [console] = result.logs;
  expect(Buffer.from(console?.base64 ?? "", "base64").toString()).toBe("boot ok\n");
  expect(result.timings.firstByteMs).toBeGreaterThan(result.timings.spawnedMs ?? Number.NaN);
  expect(result.timings.totalMs).toBeGreaterThan(result.timings.firstByteMs ?? Number.NaN);
  await agent.allSlotsFree();
  expect(await agent.lab.emulators()).toEqual([]);
});

test("the same id with the same content is the same attempt, running or finished; another content conflicts", async () => {
  const id = agent.nextId();
  const spec = await agent.lab.spec("shell", ENDLESS);
  const first = await agent.lab.client.putAttempt(id, spec);
  expect((await agent.lab.client.putAttempt(id, { ...spec, urls: { x: "http://localhost/other" } })).specDigest).toBe(
    first.specDigest,
  );
  await expect(agent.lab.client.putAttempt(id, { ...spec, failText: "x" })).rejects.toMatchObject({
    code: "AttemptConflict",
  });
  await agent.lab.client.cancelAttempt(id, "enough");
  const result = await agent.events.resultOf(id);
  expect(result).toMatchObject({ verdict: "cancelled", error: { code: "Cancelled", message: "Cancelled: enough." } });
  expect(await agent.lab.client.putAttempt(id, spec)).toMatchObject({
    state: "finished",
    result: { verdict: "cancelled" },
  });
  await agent.lab.client.acknowledge([id, "unknown.1"]);
  await expect(agent.lab.client.attempt(id)).rejects.toMatchObject({ code: "NotFound" });
});

test("a scenario that the board cannot do is refused before anything runs, wherever in it that stands", async () => {
  const steps = [{ delay: "1ms" }, { "set-pin": { pin: 1, value: 1 } }] as const;
  const pins = await agent.lab.spec("hello", { scenario: { version: 1, steps: [...steps] } });
  await expect(agent.lab.client.putAttempt(agent.nextId(), pins)).rejects.toMatchObject({
    code: "NotSupportedByBoard",
    details: { place: "steps.1.set-pin" },
  });
  const fail = await agent.lab.spec("hello", { scenario: { version: 1, fail: ["x", { regex: "(a)\\1" }] } });
  await expect(agent.lab.client.putAttempt(agent.nextId(), fail)).rejects.toMatchObject({
    code: "InvalidPattern",
    details: { place: "fail.1.regex" },
  });
});

test("a job that is not done in time tells what it waited for, and that its ready pattern had not come", async () => {
  const id = agent.nextId();
  const ready = { uart: "uart0", pattern: "never said" };
  await agent.lab.client.putAttempt(
    id,
    await agent.lab.spec("shell", { ...ENDLESS, timeout: "1s", ready, strategy: "spawn", paused: true }),
  );
  // Its time begins when its emulator is there.
  await agent.lab.client.control({ attempt: id }, "resume");
  const result = await agent.events.resultOf(id);
  expect(result).toMatchObject({ verdict: "timedOut", error: { code: "JobTimeout" } });
  expect(result.error?.message).toMatch(
    /waiting for step 1, expect-exit.*; its ready pattern "never said" on uart0 had not come in \S+\.$/,
  );
  expect(result.lastLines).toEqual(["emufarm shell on mps2-an385", "> "]);
});

test("more attempts than slots are refused until one is free, and that is announced", async () => {
  const spec = await agent.lab.spec("shell", ENDLESS);
  const ids = [agent.nextId(), agent.nextId()];
  for (const id of ids) await agent.lab.client.putAttempt(id, spec);
  await expect(agent.lab.client.putAttempt(agent.nextId(), spec)).rejects.toMatchObject({
    code: "NoFreeSlot",
    details: { slots: 2 },
  });
  await using follower = new EventLog(agent.lab.client);
  expect(await follower.until("hello")).toMatchObject({ freeSlots: 0 });
  for (const id of ids) await agent.lab.client.cancelAttempt(id, "enough");
  await follower.until("slots", ({ freeSlots }) => freeSlots === 2);
  const finished = follower.events.findIndex(({ type }) => type === "attemptFinished");
  const free = follower.events.findIndex((event) => event.type === "slots" && event.freeSlots === 1);
  expect(finished).toBeLessThan(free);
});

test("an older dispatcher is refused", async () => {
  const spec = await agent.lab.spec("hello");
  await agent.lab.client.putAttempt(agent.nextId(), spec, 7);
  await expect(agent.lab.client.putAttempt(agent.nextId(), spec, 6)).rejects.toMatchObject({
    code: "StaleEpoch",
    details: { epoch: 6, current: 7 },
  });
  expect((await agent.lab.client.info()).epoch).toBe(7);
});

test("an attempt that is not done in time times out and says what it waited for", async () => {
  const id = agent.nextId();
  const scenario = { version: 1 as const, steps: [{ "wait-serial": "never said" }] };
  await agent.lab.client.putAttempt(id, await agent.lab.spec("shell", { timeout: "1s", scenario, paused: true }));
  await agent.lab.client.control({ attempt: id }, "resume");
  const result = await agent.events.resultOf(id);
  expect(result.verdict).toBe("timedOut");
  expect(result.error?.message).toContain("never said");
  expect(result.lastLines.join("\n")).toContain("emufarm shell on mps2-an385");
});

test("a guest that writes too much is stopped", async () => {
  const id = agent.nextId();
  const scenario = {
    version: 1 as const,
    steps: [{ "wait-serial": "> " }, { "write-serial": "flood 512\n" }, { "expect-exit": true as const }],
  };
  await agent.lab.client.putAttempt(id, await agent.lab.spec("shell", { scenario, limits: { output: 100_000 } }));
  const result = await agent.events.resultOf(id);
  expect(result).toMatchObject({ verdict: "failed", error: { code: "OutputLimit" }, exit: { reason: "OutputLimit" } });
  expect(result.logs[0]?.bytes).toBeGreaterThan(100_000);
  expect(result.logs[0]?.base64).toBeUndefined();
  const bytes = [];
  for await (const chunk of agent.lab.client.log({ attempt: id }, "uart0", { offset: 10 })) bytes.push(chunk);
  expect(Buffer.concat(bytes).length).toBe((result.logs[0]?.bytes ?? 0) - 10);
});

test("firmware that nobody has cannot be fetched", async () => {
  const id = agent.nextId();
  const spec = await agent.lab.spec("hello");
  await agent.lab.client.putAttempt(id, { ...spec, firmware: { sha256: "0".repeat(64) } });
  const result = await agent.events.resultOf(id);
  expect(result).toMatchObject({ verdict: "errored", error: { code: "FirmwareFetchFailed", class: "infrastructure" } });
  expect(result.boots).toBe(0);
});

test("a log is followed from any byte while the guest runs, by many, until its end", async () => {
  const id = agent.nextId();
  await agent.lab.client.putAttempt(id, await agent.lab.spec("shell", ENDLESS));
  const follow = async () => {
    const chunks = [];
    for await (const chunk of agent.lab.client.log({ attempt: id }, "uart0", { isFollowed: true })) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };
  const followers = Array.from({ length: 20 }, follow);
  await readUntil(agent.lab.client.log({ attempt: id }, "uart0", { isFollowed: true }), "> ");
  const console = await agent.lab.client.openConsole({ attempt: id }, "uart0", () => {});
  console.send(Buffer.from("echo followed\nexit 3\n"));
  const result = await agent.events.resultOf(id);
  expect(result).toMatchObject({ exit: { reason: "GuestExited", code: 3 } });
  const logs = await Promise.all(followers);
  expect(new Set(logs).size).toBe(1);
  expect(logs[0]).toContain("followed\n");
  const tail = [];
  for await (const chunk of agent.lab.client.log({ attempt: id }, "uart0", { offset: 8 })) tail.push(chunk);
  expect(Buffer.concat(tail).toString()).toBe(logs[0]?.slice(8));
});

test("a console talks to the guest, and learns who writes", async () => {
  const id = agent.nextId();
  await agent.lab.client.putAttempt(id, await agent.lab.spec("shell", ENDLESS));
  await readUntil(agent.lab.client.log({ attempt: id }, "uart0", { isFollowed: true }), "> ");
  const notices: unknown[] = [];
  let output = "";
  const { promise: echoed, resolve } = Promise.withResolvers<void>();
  const onMessage = (data: Buffer, isText: boolean) => {
    if (isText) notices.push(JSON.parse(String(data)));
    else output += data;
    if (output.includes("hello there\n")) resolve();
  };
  const console = await agent.lab.client.openConsole({ attempt: id }, "uart0", onMessage);
  console.send(Buffer.from("echo hello there\n"));
  await echoed;
  expect(output).toContain("emufarm shell on mps2-an385");
  expect(notices).toContainEqual({ type: "writer", writer: "somebody", isYou: true });
  const closed = new Promise((done) => console.once("close", done));
  await agent.lab.client.cancelAttempt(id, "enough");
  expect(await closed).toBe(1000);
  await expect(agent.lab.client.openConsole({ attempt: id }, "uart0", () => {})).rejects.toMatchObject({
    code: "NotFound",
  });
});

test("QMP answers several clients, and refuses what would harm", async () => {
  const id = agent.nextId();
  await agent.lab.client.putAttempt(id, await agent.lab.spec("shell", ENDLESS));
  await agent.events.until("attemptRunning", (event) => event.id === id);
  const ask = async (command: string) => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const socket = await agent.lab.client.openQmp({ attempt: id }, (data) => {
      const message = JSON.parse(String(data)) as { id?: number };
      if (message.id === 2) resolve(message);
    });
    socket.send(JSON.stringify({ execute: "qmp_capabilities", id: 1 }));
    socket.send(JSON.stringify({ execute: command, id: 2 }));
    const answer = await promise;
    socket.close();
    return answer;
  };
  expect(await Promise.all([ask("query-status"), ask("quit")])).toMatchObject([
    { return: { status: "running" } },
    { error: { class: "CommandNotFound" } },
  ]);
  await agent.lab.client.cancelAttempt(id, "enough");
});

test("a guest is paused, resumed and reset by hand, and a pause stops the test's clock", async () => {
  const id = agent.nextId();
  await agent.lab.client.putAttempt(id, await agent.lab.spec("shell", { ...ENDLESS, timeout: "3s", paused: true }));
  await agent.lab.client.control({ attempt: id }, "resume");
  await readUntil(agent.lab.client.log({ attempt: id }, "uart0", { isFollowed: true }), "> ");
  await agent.lab.client.control({ attempt: id }, "pause");
  // Longer than the deadline: it stands still meanwhile.
  await new Promise((resolve) => setTimeout(resolve, 3_500));
  expect(await agent.lab.client.attempt(id)).toMatchObject({ state: "running" });
  await agent.lab.client.control({ attempt: id }, "resume");
  await agent.lab.client.control({ attempt: id }, "reset");
  const twice = "emufarm shell on mps2-an385\n> emufarm shell on mps2-an385\n> ";
  await readUntil(agent.lab.client.log({ attempt: id }, "uart0", { isFollowed: true }), twice);
  await agent.lab.client.cancelAttempt(id, "enough");
});

test("nobody needs to listen: whoever comes back finds the result in the first event", async () => {
  await using listener = new EventLog(agent.lab.client);
  await listener.until("hello");
  await listener[Symbol.asyncDispose]();
  const id = agent.nextId();
  await agent.lab.client.putAttempt(id, await agent.lab.spec("hello"));
  await agent.events.resultOf(id);
  await using back = new EventLog(agent.lab.client);
  const hello = await back.until("hello");
  expect(hello.attempts.find((attempt) => attempt.id === id)).toMatchObject({
    state: "finished",
    result: { verdict: "passed" },
  });
});

test("metrics count what has happened, under bounded labels", async () => {
  await agent.allSlotsFree();
  const { Agent, fetch } = await import("undici");
  const dispatcher = new Agent({ connect: { socketPath: agent.lab.address.slice("unix:".length) } });
  const text = await (await fetch("http://agent/metrics", { dispatcher })).text();
  await dispatcher.close();
  for (const metric of [
    "emufarm_agent_slots 2",
    "emufarm_agent_slots_free 2",
    'emufarm_agent_attempts_total{verdict="passed"}',
    'emufarm_agent_attempt_errors_total{code="OutputLimit"} 1',
    "emufarm_agent_boot_first_byte_seconds_bucket",
    'outcome="GuestExited"} ',
    'outcome="Stopped"} ',
    "emufarm_agent_uart_bytes_total",
    "emufarm_agent_uart_kicks_total",
  ]) {
    expect(text).toContain(metric);
  }
  expect(text).not.toContain("job-1");
});
