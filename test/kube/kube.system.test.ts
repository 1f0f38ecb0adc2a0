import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { execPath } from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { Registry } from "prom-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { applyOwned } from "../../src/kube/apply-owned.ts";
import { createKubeClient } from "../../src/kube/create-kube-client.ts";
import { createEventRecorder } from "../../src/kube/event-recorder.ts";
import type { KubeClient } from "../../src/kube/kube-client.ts";
import { isConflict, isExpired, isNotFound } from "../../src/kube/kube-error.ts";
import { createKubeMetrics } from "../../src/kube/kube-metrics.ts";
import type { KubeObject, Resource } from "../../src/kube/kube-object.ts";
import { createReflector } from "../../src/kube/reflector.ts";
import { type ControlPlane, noControlPlane, startControlPlane } from "../cluster/control-plane.ts";
import { CONFIG_MAPS, type ConfigMap } from "./fake-api-server.ts";

const log = pino({ level: "silent" });
const reason = noControlPlane();
let plane: ControlPlane;
let client: KubeClient;

describe.skipIf(reason !== undefined)(
  `on a real API server${reason === undefined ? "" : ` (skipped: ${reason})`}`,
  () => {
    beforeAll(async () => {
      plane = await startControlPlane({ apiServerFlags: ["--etcd-compaction-interval=1s"] });
      client = newClient();
    });

    afterAll(async () => {
      await client?.[Symbol.asyncDispose]();
      await plane?.[Symbol.asyncDispose]();
    });

    test("a reflector holds 1,000 objects, and all that changes, through a restart and a freeze of the server", async () => {
      const namespace = await newNamespace("many");
      await inParallel(1_000, 20, (n) => client.create(CONFIG_MAPS, configMap(namespace, `m${n}`)));
      const told = new Set<string>();
      await using own = newClient(2_000);
      await using reflector = createReflector({
        client: own,
        resource: CONFIG_MAPS,
        namespace,
        onChange: (key) => told.add(key),
        log,
        metrics: createKubeMetrics(new Registry()),
        timings: { inactivityMs: 5_000 },
      });
      await reflector.synced;
      expect(reflector.list()).toHaveLength(1_000);
      expect(told.size).toBe(1_000);
      told.clear();
      await inParallel(100, 10, (n) => client.patch(CONFIG_MAPS, `m${n}`, namespace, { data: { v: "2" } }));
      await inParallel(100, 10, (n) => client.delete(CONFIG_MAPS, `m${n + 100}`, namespace));
      await expectCopy(reflector, namespace);
      expect(told.size).toBe(200);

      await plane.stopApiServer();
      await plane.startApiServer();
      await client.patch(CONFIG_MAPS, "m0", namespace, { data: { v: "3" } });
      await expectCopy(reflector, namespace);

      plane.freezeApiServer();
      const refused = await firstFailure(() => own.get(CONFIG_MAPS, "m0", namespace));
      plane.thawApiServer();
      expect(refused).toMatchObject({ status: 0, reason: "Timeout" });
      await client.patch(CONFIG_MAPS, "m0", namespace, { data: { v: "4" } });
      await expectCopy(reflector, namespace);
      await reflector[Symbol.asyncDispose]();
    });

    test("a version that the server has compacted away has expired, and a reflector lists from there", async () => {
      const namespace = await newNamespace("old");
      const old = await client.create(CONFIG_MAPS, configMap(namespace, "a"));
      await client.delete(CONFIG_MAPS, "a", namespace);
      await client.create(CONFIG_MAPS, configMap(namespace, "b"));
      const options = { namespace, timeoutSeconds: 1, inactivityMs: 60_000, signal: AbortSignal.timeout(60_000) };
      const watchFrom = (resourceVersion = "") => client.watch(CONFIG_MAPS, { ...options, resourceVersion });
      const isForgotten = async () => {
        // What its cache still has, the server tells all the same: a new one has less.
        await plane.stopApiServer();
        await plane.startApiServer();
        return isExpired(
          await watchFrom(old.metadata.resourceVersion)
            .next()
            .catch((error: unknown) => error),
        );
      };
      await expect.poll(isForgotten, { timeout: 60_000 }).toBe(true);
      let lists = 0;
      const forgetful: Pick<KubeClient, "list" | "watch"> = {
        async list(resource, selection) {
          lists += 1;
          const list = await client.list(resource, selection);
          return lists === 1 ? { items: [], resourceVersion: old.metadata.resourceVersion ?? "" } : list;
        },
        watch: (resource, from) => client.watch(resource, from),
      };
      const metrics = createKubeMetrics(new Registry());
      await using reflector = createReflector({
        client: forgetful,
        resource: CONFIG_MAPS,
        namespace,
        onChange: () => {},
        log,
        metrics,
      });
      await expectCopy(reflector, namespace);
      expect(lists).toBe(2);
    });

    test("of two leaders one is frozen while the other takes over; nothing it does after that takes effect", async () => {
      await client.create(CONFIG_MAPS, configMap("default", "written"));
      const written: string[] = [];
      const metrics = createKubeMetrics(new Registry());
      const selection = { namespace: "default", fieldSelector: "metadata.name=written" };
      await using reflector = createReflector({
        client,
        resource: CONFIG_MAPS,
        ...selection,
        onChange: (key) => written.push(reflector.get(key)?.data?.epoch ?? ""),
        log,
        metrics,
      });
      await reflector.synced;
      await using a = startCandidate("a", "freezes");
      const first = await a.next("leads");
      await using b = startCandidate("b");
      expect(await a.next("freezes")).toBe(first);
      const second = await b.next("leads");
      expect(second).toBeGreaterThan(first);
      await expect.poll(() => written.includes(String(second))).toBe(true);
      a.process.kill("SIGCONT");
      expect(await a.next("written")).toBe(0);
      expect(await a.next("stopped")).toBe(first);
      await expect.poll(() => written.filter((epoch) => epoch === String(second)).length).toBeGreaterThan(50);
      const epochs = written.filter((epoch) => epoch !== "").map(Number);
      expect(epochs).toEqual([...epochs].sort((one, other) => one - other));
      expect(epochs[0]).toBe(first);
    });

    test("a field that another manager has applied is a conflict, unless it is taken by force", async () => {
      const namespace = await newNamespace("conflict");
      const object = (v: string) => ({ ...configMap(namespace, "a"), data: { v } });
      await client.apply(CONFIG_MAPS, object("1"), { fieldManager: "one" });
      const refused = await client
        .apply(CONFIG_MAPS, object("2"), { fieldManager: "two" })
        .catch((error: unknown) => error);
      expect(isConflict(refused)).toBe(true);
      expect(refused).toMatchObject({ status: 409, causes: [{ reason: "FieldManagerConflict", field: ".data.v" }] });
      const taken = await client.apply(CONFIG_MAPS, object("2"), { fieldManager: "two", force: true });
      expect(taken.data).toEqual({ v: "2" });
    });

    test("a child is created, then applied, and what a later apply leaves out goes", async () => {
      const namespace = await newNamespace("children");
      const child = (data: Record<string, string>) => owned(namespace, "child", "owner-1", data);
      const apply = (data: Record<string, string>, isKnown = false) =>
        applyOwned({
          client,
          resource: CONFIG_MAPS,
          object: child(data),
          ownerUid: "owner-1",
          fieldManager: "farm",
          isKnown,
        });
      expect(await apply({ a: "1", b: "1" })).toMatchObject({ kind: "created", object: { data: { a: "1", b: "1" } } });
      await client.patch(CONFIG_MAPS, "child", namespace, { data: { c: "theirs" } }, { fieldManager: "somebody" });
      const applied = await apply({ a: "2" }, true);
      expect(applied).toMatchObject({ kind: "applied" });
      expect(applied.object.data).toEqual({ a: "2", c: "theirs" });
      const again = await apply({ a: "2" });
      expect(again.object.metadata.resourceVersion).toBe(applied.object.metadata.resourceVersion);
    });

    test("an object of somebody else that has the name is left as it is", async () => {
      const namespace = await newNamespace("foreign");
      const foreign = await client.create(CONFIG_MAPS, { ...configMap(namespace, "child"), data: { theirs: "yes" } });
      for (const isKnown of [false, true]) {
        const object = owned(namespace, "child", "owner-1", { ours: "yes" });
        const outcome = await applyOwned({
          client,
          resource: CONFIG_MAPS,
          object,
          ownerUid: "owner-1",
          fieldManager: "farm",
          isKnown,
        });
        expect(outcome).toMatchObject({ kind: "foreign", object: { metadata: { uid: foreign.metadata.uid } } });
      }
      expect((await client.get(CONFIG_MAPS, "child", namespace))?.metadata.resourceVersion).toBe(
        foreign.metadata.resourceVersion,
      );
    });

    test("a child that is known but gone is created, one that is going is left to go", async () => {
      const namespace = await newNamespace("going");
      const object = owned(namespace, "child", "owner-1", {});
      const held = { ...object, metadata: { ...object.metadata, finalizers: ["emufarm.dev/test"] } };
      const options = { client, resource: CONFIG_MAPS, ownerUid: "owner-1", fieldManager: "farm", isKnown: true };
      expect(await applyOwned({ ...options, object: held })).toMatchObject({ kind: "created" });
      expect(await client.delete(CONFIG_MAPS, "child", namespace)).toBe(true);
      expect(await applyOwned({ ...options, object: held })).toMatchObject({ kind: "terminating" });
      await client.patch(CONFIG_MAPS, "child", namespace, { metadata: { finalizers: null } });
      expect(await applyOwned({ ...options, object })).toMatchObject({ kind: "created" });
    });

    test("an object is deleted by its uid, and not another one of its name", async () => {
      const namespace = await newNamespace("uid");
      const first = await client.create(CONFIG_MAPS, configMap(namespace, "a"));
      await client.delete(CONFIG_MAPS, "a", namespace);
      const second = await client.create(CONFIG_MAPS, configMap(namespace, "a"));
      const uid = first.metadata.uid ?? "";
      await expect(client.delete(CONFIG_MAPS, "a", namespace, { uid })).rejects.toSatisfy(isConflict);
      expect(await client.delete(CONFIG_MAPS, "a", namespace, { uid: second.metadata.uid ?? "" })).toBe(true);
      expect(await client.delete(CONFIG_MAPS, "a", namespace)).toBe(false);
    });

    test("a status is applied by itself, and only where the object is", async () => {
      const namespace = await newNamespace("status");
      const pod = { apiVersion: "v1", kind: "Pod", metadata: { namespace, name: "p" } };
      await client.create(PODS, { ...pod, spec: { containers: [{ name: "c", image: "i" }] } });
      const condition = { type: "Tested", status: "True" };
      await client.applyStatus(PODS, { ...pod, status: { conditions: [condition] } }, { fieldManager: "farm" });
      const [shown] = (await client.get(PODS, "p", namespace))?.status?.conditions ?? [];
      expect(shown).toMatchObject(condition);
      const absent = { ...pod, metadata: { namespace, name: "q" }, status: {} };
      await expect(client.applyStatus(PODS, absent, { fieldManager: "farm" })).rejects.toSatisfy(isNotFound);
    });

    test("events of an object are shown, and one that comes again is counted", async () => {
      const namespace = await newNamespace("events");
      const regarding = await client.create(CONFIG_MAPS, configMap(namespace, "a"));
      const names = { reportingController: "emufarm.dev/test", reportingInstance: "test-1" };
      const event = {
        regarding,
        type: "Warning",
        reason: "Broken",
        action: "Test",
        note: `it broke ${"é".repeat(1_000)}`,
      } as const;
      {
        await using events = createEventRecorder({ client, ...names, log });
        for (let times = 0; times < 3; times += 1) events.record(event);
        events.record({ ...event, type: "Normal", reason: "Mended" });
      }
      const { items } = await client.list(EVENTS, { namespace });
      expect(Object.fromEntries(items.map(({ reason: why, series }) => [why, series?.count]))).toEqual({
        Broken: 3,
        Mended: undefined,
      });
      expect(await plane.kubectl("describe", "configmap", "a", "-n", namespace)).toContain("Mended");
    });

    test("many calls at once and after each other go over few connections", async () => {
      const before = await openConnections();
      await inParallel(60, 3, () => client.get(CONFIG_MAPS, "absent", "default"));
      expect((await openConnections()) - before).toBeLessThanOrEqual(4);
    });
  },
);

interface Pod extends KubeObject {
  readonly spec?: object;
  readonly status?: { readonly conditions?: readonly object[] };
}
const PODS: Resource<Pod> = { apiVersion: "v1", kind: "Pod", plural: "pods", isNamespaced: true };

interface Event extends KubeObject {
  readonly reason: string;
  readonly series?: { readonly count: number };
}
const EVENTS: Resource<Event> = { apiVersion: "events.k8s.io/v1", kind: "Event", plural: "events", isNamespaced: true };

const NAMESPACES: Resource = { apiVersion: "v1", kind: "Namespace", plural: "namespaces", isNamespaced: false };

function newClient(timeoutMs = 30_000): KubeClient {
  const metrics = createKubeMetrics(new Registry());
  return createKubeClient({ source: { kubeconfigFile: plane.kubeconfig }, metrics, userAgent: "test", timeoutMs });
}

async function newNamespace(name: string): Promise<string> {
  await client.create(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  return name;
}

function configMap(namespace: string, name: string): ConfigMap {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { namespace, name } };
}

function owned(namespace: string, name: string, uid: string, data: Record<string, string>): ConfigMap {
  const owner = { apiVersion: "v1", kind: "ConfigMap", name: "owner", uid, controller: true };
  return { ...configMap(namespace, name), metadata: { namespace, name, ownerReferences: [owner] }, data };
}

/** A process that is being frozen may answer once more. */
async function firstFailure(act: () => Promise<unknown>): Promise<unknown> {
  for (;;) {
    try {
      await act();
    } catch (error) {
      return error;
    }
  }
}

async function inParallel(count: number, atOnce: number, act: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const n = next;
      next += 1;
      await act(n);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

async function expectCopy(reflector: { list(): readonly ConfigMap[] }, namespace: string): Promise<void> {
  const versions = (objects: readonly ConfigMap[]) =>
    objects.map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`).sort();
  const { items } = await client.list(CONFIG_MAPS, { namespace });
  await expect.poll(() => versions(reflector.list()), { interval: 20 }).toEqual(versions(items));
}

/** A process that stands for leader; `next` gives the value of the next line that has a field. */
function startCandidate(identity: string, ...words: string[]) {
  const program = fileURLToPath(import.meta.resolve("./leader-process.ts"));
  const process: ChildProcess = spawn(execPath, [program, plane.kubeconfig, identity, ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: Record<string, number>[] = [];
  if (process.stdout) createInterface(process.stdout).on("line", (line) => lines.push(JSON.parse(line)));
  return {
    process,
    async next(field: string): Promise<number> {
      await expect.poll(() => lines.find((line) => field in line)?.[field]).toBeDefined();
      return lines.find((line) => field in line)?.[field] ?? Number.NaN;
    },
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      process.kill("SIGCONT");
      if (process.exitCode === null && process.signalCode === null) await once(process, "exit");
    },
  };
}

/** Connections to the API server on this machine, open or just closed. */
async function openConnections(): Promise<number> {
  const port = Number(new URL(plane.url).port).toString(16).toUpperCase().padStart(4, "0");
  const table = await readFile("/proc/self/net/tcp", "utf8");
  return table.split("\n").filter((line) => line.split(/\s+/)[3]?.endsWith(`:${port}`)).length;
}
