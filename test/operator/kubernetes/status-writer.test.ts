import { expect, test } from "vitest";
import type { KubeClient } from "../../../src/kube/kube-client.ts";
import { KubeError } from "../../../src/kube/kube-error.ts";
import { type FarmObject, INSTANCES } from "../../../src/operator/kubernetes/kinds.ts";
import { createStatusWriter, type StatusMemory } from "../../../src/operator/kubernetes/status-writer.ts";

interface Status {
  readonly observedGeneration: number;
  readonly phase: string;
}

const starting: Status = { observedGeneration: 1, phase: "Starting" };
const running: Status = { observedGeneration: 1, phase: "Running" };

/** The object as a cache may show it. */
const objectAt = (version: number, status?: Status): FarmObject => ({
  apiVersion: "emufarm.dev/v1alpha1",
  kind: "EmulatorInstance",
  metadata: { name: "sensor", namespace: "lab", uid: "instance-1", resourceVersion: String(version) },
  ...(status && { status }),
});

/** An API server whose every write makes the next version, from 101 on. */
function writerOf({ answers = (): void => {} } = {}) {
  const written: unknown[] = [];
  let nowMs = 0;
  const client = {
    applyStatus: (_resource: unknown, object: FarmObject) => {
      answers();
      written.push(object.status);
      return Promise.resolve(objectAt(100 + written.length, object.status as Status));
    },
  } as unknown as KubeClient;
  const writer = createStatusWriter<Status>({
    client,
    resource: INSTANCES,
    nowMs: () => nowMs,
    isUrgent: (before, after) => before?.phase !== after.phase,
  });
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { writer, written, pass };
}

test("what a cache does not show yet is not written again", async () => {
  const { writer, written } = writerOf();
  const memory: StatusMemory = {};
  await writer.write(objectAt(7), undefined, starting, memory);
  await writer.write(objectAt(7), undefined, starting, memory);
  await writer.write(objectAt(101, starting), starting, starting, memory);
  expect(written).toEqual([starting]);
});

test("a status that somebody else has changed since is written again", async () => {
  const { writer, written } = writerOf();
  const memory: StatusMemory = {};
  await writer.write(objectAt(7), undefined, running, memory);
  await writer.write(objectAt(205, starting), starting, running, memory);
  expect(written).toEqual([running, running]);
});

test("a newer version of the object with the same status is no reason to write, whatever the order of its fields", async () => {
  const { writer, written } = writerOf();
  const memory: StatusMemory = {};
  await writer.write(objectAt(7), undefined, running, memory);
  const shuffled = { phase: "Running", observedGeneration: 1 };
  await writer.write(objectAt(205, shuffled), shuffled, running, memory);
  expect(written).toEqual([running]);
});

test("after a burst the last word comes with the next refill", async () => {
  const { writer, written, pass } = writerOf();
  const memory: StatusMemory = {};
  for (let turn = 0; turn < 4; turn += 1) {
    await writer.write(objectAt(7), undefined, starting, memory);
    await writer.write(objectAt(7), undefined, running, memory);
  }
  expect(written).toHaveLength(6);
  await writer.write(objectAt(7), undefined, starting, memory);
  expect(written).toHaveLength(6);
  expect(memory.dueMs).toBe(10_000);
  pass(10_000);
  await writer.write(objectAt(7), undefined, starting, memory);
  expect(written.at(-1)).toEqual(starting);
  expect(memory.dueMs).toBeUndefined();
});

test("another generation is told at once", async () => {
  const { writer, written } = writerOf();
  const memory: StatusMemory = {};
  for (let turn = 0; turn < 4; turn += 1) {
    await writer.write(objectAt(7), undefined, starting, memory);
    await writer.write(objectAt(7), undefined, running, memory);
  }
  const next = { observedGeneration: 2, phase: "Running" };
  await writer.write(objectAt(7), undefined, next, memory);
  expect(written.at(-1)).toEqual(next);
});

test("an object that has gone has no status to write", async () => {
  const notFound = () => {
    throw new KubeError({ status: 404, reason: "NotFound", message: "gone" });
  };
  const { writer } = writerOf({ answers: notFound });
  await expect(writer.write(objectAt(7), undefined, running, {})).resolves.toBeUndefined();
});
