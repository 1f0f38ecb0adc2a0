import { connect } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { WrittenInstance } from "../../../src/client/instance-client.ts";
import type { InstanceObject } from "../../../src/core/wire/farm-instance.ts";
import { AgentLab, exampleImage, readUntil, TOKEN } from "../../agent/attempt/agent-lab.ts";
import { type ApiFixture, startApiFixture } from "../http/api-fixture.ts";

let lab: AgentLab;
let api: ApiFixture;
let shell: string;

beforeAll(async () => {
  lab = await AgentLab.start({ EMUFARM_SLOTS: "2" });
  api = await startApiFixture([lab.address], TOKEN);
  ({ sha256: shell } = await api.farm.uploadBytes(await exampleImage("mps2-an385", "shell")));
});

afterEach(async () => {
  for (const { metadata } of await api.farm.instances.list()) await api.farm.instances.delete(metadata.name);
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
});

function written(name: string, spec: object = {}, metadata: object = {}): WrittenInstance {
  return {
    apiVersion: "emufarm.dev/v1alpha1",
    kind: "EmulatorInstance",
    metadata: { name, ...metadata },
    spec: { board: "mps2-an385", firmware: { artifact: shell }, ...spec },
  };
}

/** The instance as soon as it fits, as the farm tells it. */
async function instanceWhen(name: string, fits: (instance: InstanceObject) => boolean): Promise<InstanceObject> {
  for await (const news of api.farm.instances.watch()) {
    if (news.type === "instance" && news.instance.metadata.name === name && fits(news.instance)) return news.instance;
  }
  throw new Error("the farm went away");
}

const readyOf = ({ metadata, status }: InstanceObject) => {
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  return ready?.observedGeneration === metadata.generation ? `${ready.status} ${ready.reason}` : undefined;
};
const isReadyAs = (reason: string) => (instance: InstanceObject) => readyOf(instance) === `True ${reason}`;

function serial(name: string): AsyncIterable<Buffer> {
  const call = { method: "GET", path: "uarts/uart0/log?follow=true", silenceMs: 0 } as const;
  return api.farm.instances.channels(name).bytes(call);
}

test("an instance is made, talked to, switched, reset, given other firmware and deleted", async () => {
  const { instances } = api.farm;
  const made = await instances.put(written("sensor-01", { channels: [{ name: "uart0", tcp: true }] }));
  expect(made.metadata).toMatchObject({ name: "sensor-01", generation: 1 });
  const up = await instanceWhen("sensor-01", isReadyAs("Running"));
  expect(up.status).toMatchObject({
    phase: "Running",
    address: "127.0.0.1",
    endpoints: [{ name: "uart0", port: expect.any(Number) }],
    firmware: { sha256: shell, format: "elf" },
    emulator: { binary: "qemu-system-arm" },
  });
  expect(up.status?.conditions?.map(({ type, status }) => `${type} ${status}`)).toEqual([
    "Ready True",
    "Scheduled True",
    "FirmwareLoaded True",
    "EmulatorRunning True",
    "AgentConnected True",
    "Accelerated False",
    "Outdated False",
  ]);
  const raw = connect({ port: up.status?.endpoints?.[0]?.port ?? 0, host: "127.0.0.1" }).resume();
  await readUntil(serial("sensor-01"), "> ");
  raw.write("echo by the raw port\n");
  await readUntil(serial("sensor-01"), "by the raw port\n> ");
  raw.destroy();
  const console = await instances.channels("sensor-01").openWebSocket("uarts/uart0", () => {});
  console.send(Buffer.from("echo by the API\n"));
  await readUntil(serial("sensor-01"), "by the API\n> ");
  console.close();

  await instances.patch("sensor-01", { spec: { paused: true } });
  await instanceWhen("sensor-01", isReadyAs("Paused"));
  await instances.patch("sensor-01", { spec: { paused: false, power: "Off" } });
  await instanceWhen("sensor-01", isReadyAs("PoweredOff"));
  // What the manifest leaves out stays as it was switched by hand.
  const applied = await instances.put(written("sensor-01", { channels: [{ name: "uart0", tcp: true }] }));
  expect(applied).toMatchObject({ metadata: { generation: 3 }, spec: { power: "Off" } });
  await instances.patch("sensor-01", { spec: { power: "On", resetCount: 1 } });
  await instanceWhen("sensor-01", isReadyAs("Running"));

  const { sha256: hello } = await api.farm.uploadBytes(await exampleImage("mps2-an385", "hello"));
  await instances.patch("sensor-01", { spec: { firmware: { artifact: hello } } });
  const ended = await instanceWhen("sensor-01", ({ status }) => status?.phase === "Succeeded");
  expect(ended.status).toMatchObject({ firmware: { sha256: hello }, lastExit: { reason: "GuestExited", code: 0 } });
  await instances.delete("sensor-01");
  await expect(instances.get("sensor-01")).rejects.toMatchObject({ code: "UnknownTarget" });
  expect((await lab.client.info()).freeSlots).toBe(2);
  expect(await lab.emulators()).toEqual([]);
});

describe("what cannot be", () => {
  test.each([
    ["an unknown board", { board: "mps2-an3855" }, "UnknownBoard", "mps2-an385"],
    ["firmware that is not there", { firmware: { artifact: "0".repeat(64) } }, "FirmwareUnknown", "Upload it first"],
    ["a ConfigMap", { firmware: { configMap: { name: "a", key: "b" } } }, "NotSupportedHere", "only a cluster has it"],
    ["an unknown field", { powr: "Off" }, "InvalidRequest", "powr"],
    ["a raw port of an unknown channel", { channels: [{ name: "uart9", tcp: true }] }, "NotSupportedByBoard", "uart0"],
    ["a volume", { storage: { persistentVolumeClaim: { claimName: "a" } } }, "NotSupportedHere", "volumes"],
  ])("is refused at once, and nothing is left of it: %s", async (_what, spec, code, words) => {
    await expect(api.farm.instances.put(written("nothing", spec))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(words),
    });
    expect(await api.farm.instances.list()).toEqual([]);
    expect((await lab.client.info()).freeSlots).toBe(2);
  });

  test("is refused where no slot is free, with who has them; a slot that becomes free is for the next", async () => {
    const { instances } = api.farm;
    await Promise.all([instances.put(written("one")), instances.put(written("two"))]);
    await expect(instances.put(written("three"))).rejects.toMatchObject({
      code: "FarmFull",
      status: 409,
      message: expect.stringContaining("All 2 slots of the farm are taken, by instances."),
    });
    await instances.delete("one");
    expect((await instances.put(written("three"))).metadata.name).toBe("three");
  });

  test("a change of board, a lower count of resets, or one by somebody who has not seen the newest", async () => {
    const { instances } = api.farm;
    const { metadata } = await instances.put(written("fixed", { resetCount: 2, power: "Off" }));
    const refused = async (change: Promise<unknown>, words: string) =>
      expect(change).rejects.toMatchObject({ code: "Conflict", message: expect.stringContaining(words) });
    await refused(instances.put(written("fixed", { board: "mps2-an386" })), "spec.board cannot be changed");
    await refused(instances.patch("fixed", { spec: { resetCount: 1 } }), "can only be raised");
    await instances.patch("fixed", { metadata: { generation: 1 }, spec: { paused: true } });
    await refused(instances.patch("fixed", { metadata: { generation: 1 }, spec: { paused: false } }), "generation 2");
    await instances.delete("fixed");
    await instances.put(written("fixed", { power: "Off" }));
    await refused(instances.put(written("fixed", {}, { uid: metadata.uid })), "another one of this name");
  });
});

describe("an instance outlives", () => {
  test("the API, whose next process finds it as it is and goes on", async () => {
    await api.farm.instances.put(written("lasting"));
    const before = await instanceWhen("lasting", isReadyAs("Running"));
    const pids = await lab.emulators();
    await api.restart();
    const after = await instanceWhen("lasting", isReadyAs("Running"));
    expect(after.metadata).toEqual(before.metadata);
    expect(await lab.emulators()).toEqual(pids);
    await api.farm.instances.patch("lasting", { spec: { power: "Off" } });
    await instanceWhen("lasting", isReadyAs("PoweredOff"));
  });

  test("its agent, whose next process starts it anew; that is told", async () => {
    await api.farm.instances.put(written("lasting"));
    await instanceWhen("lasting", isReadyAs("Running"));
    await lab.end("SIGKILL");
    await instanceWhen("lasting", (instance) => readyOf(instance)?.startsWith("False") === true);
    await lab.start();
    const { status } = await instanceWhen(
      "lasting",
      (instance) => isReadyAs("Running")(instance) && instance.status?.lastExit !== undefined,
    );
    expect(status?.lastExit).toMatchObject({ reason: "EmulatorKilled", detail: expect.stringContaining("agent") });
    await readUntil(serial("lasting"), "> ");
  });
});

test("what an agent has that was deleted meanwhile is taken away when the agent is back", async () => {
  await api.farm.instances.put(written("gone"));
  await instanceWhen("gone", isReadyAs("Running"));
  await lab.end("SIGKILL");
  await api.farm.instances.delete("gone");
  await lab.start();
  await expect.poll(() => lab.client.instances()).toEqual([]);
  await expect.poll(async () => (await lab.client.info()).freeSlots).toBe(2);
});

test("a ttl ends an instance: stopped without its slot, or deleted", async () => {
  const { instances } = api.farm;
  await instances.put(written("short", { ttl: { after: "1s" } }));
  await instances.put(written("shorter", { ttl: { after: "1s", then: "Delete" } }));
  const { status } = await instanceWhen("short", ({ status: seen }) => seen?.phase === "Stopped");
  expect(status?.conditions?.[0]).toMatchObject({ type: "Ready", status: "False", reason: "Expired" });
  await expect.poll(async () => (await instances.list()).map(({ metadata }) => metadata.name)).toEqual(["short"]);
  await expect.poll(async () => (await lab.client.info()).freeSlots).toBe(2);
});
