import { writeFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { pino } from "pino";
import { expect, test, vi } from "vitest";
import { createReflector, type ReflectorOptions } from "../../src/kube/reflector.ts";
import { PATIENCE } from "../patience.ts";
import { type Behaviour, CONFIG_MAPS, type ConfigMap, kubeconfigFor, refuse } from "./fake-api-server.ts";
import { FakeClock } from "./fake-clock.ts";
import { startWatchServer, type WatchServer } from "./watch-server.ts";

const QUICK = { firstPauseMs: 1, longestPauseMs: 20, inactivityMs: 30_000 };

function reflect(server: WatchServer, options: Partial<ReflectorOptions<ConfigMap>> = {}) {
  const keys: string[] = [];
  const reflector = createReflector({
    client: server.client,
    resource: CONFIG_MAPS,
    onChange: (key) => keys.push(key),
    log: pino({ level: "silent" }),
    metrics: server.metrics,
    timings: QUICK,
    ...options,
  });
  return Object.assign(reflector, { keys });
}

/** The copy is what the server has. */
async function expectSame(server: WatchServer, copy: { list(): readonly ConfigMap[] }): Promise<void> {
  const byName = (objects: Iterable<ConfigMap>) =>
    [...objects].map(({ metadata, data }) => `${metadata.name}@${metadata.resourceVersion} ${data?.v}`).sort();
  await expect.poll(() => byName(copy.list()), { interval: 2 }).toEqual(byName(server.objects.values()));
}

const watching = (server: WatchServer, watches = 1) =>
  expect.poll(() => [server.openWatches, server.count("watch")], { interval: 2 }).toEqual([1, watches]);

const total = async (
  metric: { get(): Promise<{ values: { value: number; labels: object }[] }> },
  labels: object = {},
) => {
  const { values } = await metric.get();
  const matching = values.filter((one) => Object.entries(labels).every(([k, v]) => Reflect.get(one.labels, k) === v));
  return matching.reduce((sum, { value }) => sum + value, 0);
};

test("what is there is told first, then each change", async () => {
  await using server = await startWatchServer();
  server.put("a", { v: "1" });
  server.put("b");
  await using reflector = reflect(server);
  await reflector.synced;
  expect(reflector.keys).toEqual(["n/a", "n/b"]);
  await watching(server);
  server.put("a", { v: "2" });
  server.remove("b");
  server.put("c");
  await expectSame(server, reflector);
  expect(reflector.keys.slice(2)).toEqual(["n/a", "n/b", "n/c"]);
  expect(reflector.get("n/a")?.data).toEqual({ v: "2" });
  expect(reflector.get("n/b")).toBeUndefined();
  expect(server.count("list")).toBe(1);
});

test("a watch asks for bookmarks and an end, at a random time", async () => {
  await using server = await startWatchServer();
  await using _reflector = reflect(server, { labelSelector: "a=b", namespace: "n" });
  await watching(server);
  const [list, watch] = server.seen;
  expect(list?.query.get("labelSelector")).toBe("a=b");
  expect(list?.path).toBe("/api/v1/namespaces/n/configmaps");
  expect(watch?.query.get("labelSelector")).toBe("a=b");
  expect(watch?.query.get("allowWatchBookmarks")).toBe("true");
  const seconds = Number(watch?.query.get("timeoutSeconds"));
  expect(seconds).toBeGreaterThanOrEqual(240);
  expect(seconds).toBeLessThanOrEqual(300);
});

test("objects are found by their indexes, as they are now", async () => {
  await using server = await startWatchServer();
  server.put("a", { owner: "x" });
  server.put("b", { owner: "x" });
  await using reflector = reflect(server, {
    indexes: { owner: ({ data }) => (data?.owner === undefined ? [] : [data.owner]) },
  });
  await reflector.synced;
  const owned = (owner: string) => reflector.byIndex("owner", owner).map(({ metadata }) => metadata.name);
  expect(owned("x")).toEqual(["a", "b"]);
  await watching(server);
  server.put("a", { owner: "y" });
  server.remove("b");
  await expectSame(server, reflector);
  expect(owned("x")).toEqual([]);
  expect(owned("y")).toEqual(["a"]);
  expect(() => reflector.byIndex("colour", "red")).toThrow(RangeError);
});

/** What a server may do to a watch that stands. */
const BREAKS: [name: string, hurt: (server: WatchServer) => void, lists: number][] = [
  ["ends it", (server) => server.endWatches("end"), 1],
  ["breaks its connection", (server) => server.endWatches("reset"), 1],
  ["sends a line that is no JSON", (server) => server.write("{]\n"), 2],
  ["sends a line that is no event", (server) => server.write('{"type":"ADDED"}\n'), 2],
  ["breaks off within a line", (server) => breakOffWithinLine(server), 2],
  ["says in it that the version has expired", (server) => server.write(`${error(410, "Expired")}\n`), 2],
  ["says in it that it failed", (server) => server.write(`${error(500, "InternalError")}\n`), 1],
];

function breakOffWithinLine(server: WatchServer): void {
  server.write('{"type":');
  server.endWatches("end");
}

function error(code: number, reason: string): string {
  return JSON.stringify({ type: "ERROR", object: { kind: "Status", code, reason, message: reason } });
}

test.each(BREAKS)("nothing is missed when the server %s", async (_name, hurt, lists) => {
  await using server = await startWatchServer();
  server.put("a", { v: "1" });
  server.put("b");
  await using reflector = reflect(server);
  await watching(server);
  server.put("a", { v: "2" });
  await expectSame(server, reflector);
  hurt(server);
  server.forgetWatches();
  server.put("a", { v: "3" });
  server.remove("b");
  server.put("c");
  await expectSame(server, reflector);
  await watching(server, 2);
  expect(server.count("list")).toBe(lists);
  server.put("d");
  await expectSame(server, reflector);
});

/** What a server may answer instead of a watch or a list. */
const REFUSALS: [name: string, behave: Behaviour][] = [
  ["500", (_request, response) => refuse(response, 500, "InternalError")],
  ["a page of a proxy", (_request, response) => response.writeHead(503).end("<html>")],
  ["a broken connection", (_request, response) => response.destroy()],
  ["403", (_request, response) => refuse(response, 403, "Forbidden")],
  ["404", (_request, response) => refuse(response, 404, "NotFound")],
  ["410", (_request, response) => refuse(response, 410, "Gone")],
  ["garbage", (_request, response) => response.end("{\n{\n")],
  ["nothing at all", (_request, response) => response.end()],
];

test.each(REFUSALS)("the reflector goes on when the answer is %s, several times", async (_name, behave) => {
  await using server = await startWatchServer();
  server.put("a");
  const thrice = [behave, behave, behave];
  server.failNext("list", ...thrice);
  server.failNext("watch", ...thrice);
  await using reflector = reflect(server);
  await reflector.synced;
  server.put("b");
  await expectSame(server, reflector);
  await expect.poll(() => server.openWatches).toBe(1);
  server.put("c");
  await expectSame(server, reflector);
});

test("what was compacted away while the reflector was cut off is found by a new list", async () => {
  await using server = await startWatchServer();
  server.put("a");
  await using reflector = reflect(server);
  await watching(server);
  server.endWatches("reset");
  server.remove("a");
  server.put("b");
  server.compact();
  await expectSame(server, reflector);
  expect(reflector.keys).toEqual(["n/a", "n/a", "n/b"]);
  expect(await total(server.metrics.lists, { reason: "Expired" })).toBe(1);
});

test("a watch that has gone silent is opened anew, from where it was", async () => {
  await using server = await startWatchServer();
  server.put("a");
  await using reflector = reflect(server, { timings: { ...QUICK, inactivityMs: 300 } });
  await watching(server);
  server.forgetWatches();
  server.put("b");
  await expectSame(server, reflector);
  expect(server.count("list")).toBe(1);
  expect(await total(server.metrics.watches, { end: "Timeout" })).toBeGreaterThanOrEqual(1);
});

test("watches that may have died while the server was away are opened anew when it answers again", async () => {
  await using server = await startWatchServer({ timeoutMs: 200 });
  await using reflector = reflect(server);
  await watching(server);
  server.forgetWatches();
  server.put("b");
  server.failNext("list", () => {});
  await expect(server.client.list(CONFIG_MAPS)).rejects.toMatchObject({ reason: "Timeout" });
  await server.client.list(CONFIG_MAPS);
  await expectSame(server, reflector);
  expect(await total(server.metrics.watches, { end: "Suspect" })).toBe(1);
});

test("bookmarks say where to go on", async () => {
  await using server = await startWatchServer();
  server.put("a");
  await using reflector = reflect(server);
  await watching(server);
  server.bookmark();
  server.compact();
  server.bookmark();
  await vi.waitFor(() => expect(reflector.lastEventAgeMs).toBeLessThan(30_000), PATIENCE);
  server.put("b");
  await expectSame(server, reflector);
  server.endWatches("reset");
  await watching(server, 2);
  expect(server.lastWatchVersion()).toBe(String(server.version));
  expect(server.count("list")).toBe(1);
});

test("a server that has too much to do is left alone for as long as it says", async () => {
  await using server = await startWatchServer();
  const clock = new FakeClock();
  server.failNext("list", (_request, response) => refuse(response, 429, "TooManyRequests", { "retry-after": "7" }));
  await using reflector = reflect(server, { clock });
  await expect.poll(() => clock.timers).toBe(1);
  await clock.advance(6_999);
  expect(server.count("list")).toBe(1);
  await clock.advance(1_000);
  await reflector.synced;
  expect(server.count("list")).toBe(2);
});

test("pauses after failures grow, at random, up to a longest", async () => {
  await using server = await startWatchServer();
  const clock = new FakeClock();
  const refusals = Array.from({ length: 12 }, () => REFUSALS[0]?.[1] ?? (() => {}));
  server.failNext("list", ...refusals);
  await using reflector = reflect(server, { clock, timings: { firstPauseMs: 200, longestPauseMs: 5_000 } });
  const pauses: number[] = [];
  for (let tries = 1; tries <= 12; tries += 1) {
    await expect.poll(() => clock.timers, { interval: 2 }).toBe(1);
    const beforeMs = clock.nowMs();
    while (server.count("list") === tries && clock.timers === 1) await clock.advance(10);
    pauses.push(clock.nowMs() - beforeMs);
  }
  await reflector.synced;
  pauses.forEach((pauseMs, index) => {
    const longestMs = Math.min(200 * 2 ** index, 5_000);
    expect(pauseMs).toBeGreaterThanOrEqual(longestMs / 2);
    expect(pauseMs).toBeLessThanOrEqual(longestMs + 10);
  });
  expect(new Set(pauses.slice(-6)).size).toBeGreaterThan(1);
});

test("what a handler throws is counted, and the next change is told", async () => {
  await using server = await startWatchServer();
  server.put("a");
  const keys: string[] = [];
  await using reflector = reflect(server, {
    onChange(key) {
      keys.push(key);
      throw new Error("no");
    },
    indexes: { odd: () => [] as never[], broken: ({ data }) => [(data as never as { x: { y: string } }).x.y] },
  });
  await watching(server);
  server.put("b");
  await expectSame(server, reflector);
  expect(keys).toEqual(["n/a", "n/b"]);
  expect(await total(server.metrics.handlerErrors)).toBeGreaterThanOrEqual(4);
});

test("a login that runs out under a watch is read again from its file", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "kube-"));
  const kubeconfigFile = join(folder.path, "kubeconfig");
  let goodToken = "first";
  await using server = await startWatchServer({ source: { kubeconfigFile } }, (url) =>
    writeFileSync(kubeconfigFile, kubeconfigFor(url, goodToken)),
  );
  await using reflector = reflect(server);
  await watching(server);
  goodToken = "second";
  const guard: Behaviour = ({ headers }, response) =>
    headers.authorization === "Bearer first" ? refuse(response, 401, "Unauthorized") : response.destroy();
  server.failNext("watch", guard);
  writeFileSync(kubeconfigFile, kubeconfigFor(server.url, goodToken));
  server.endWatches("end");
  server.put("b");
  await expectSame(server, reflector);
  expect(server.seen.at(-1)?.headers.authorization).toBe("Bearer second");
});

test("a reflector that ends before its copy was complete says so to those who wait", async () => {
  await using server = await startWatchServer();
  server.failNext("list", () => {});
  const reflector = reflect(server);
  await expect.poll(() => server.count("list")).toBe(1);
  await reflector[Symbol.asyncDispose]();
  await expect(reflector.synced).rejects.toThrow("has ended");
});

test("a reflector that has ended asks nothing more, and what others of its kind tell stays", async () => {
  await using server = await startWatchServer();
  server.put("a");
  const reflector = reflect(server);
  const other = reflect(server);
  await expect.poll(() => server.openWatches).toBe(2);
  expect(await total(server.metrics.objects)).toBe(2);
  expect((await server.metrics.lastEventAge.get()).values).toHaveLength(1);
  await reflector[Symbol.asyncDispose]();
  await expect.poll(() => server.openWatches).toBe(1);
  expect(await total(server.metrics.objects)).toBe(1);
  await other[Symbol.asyncDispose]();
  expect((await server.metrics.lastEventAge.get()).values).toHaveLength(0);
  expect(server.seen).toHaveLength(4);
});

/** Changes and mishaps, in any order. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("put" as const), name: fc.constantFrom("a", "b", "c", "d") }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("remove" as const), name: fc.constantFrom("a", "b", "c", "d") }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("break" as const), how: fc.nat(BREAKS.length - 1) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("refuse" as const), how: fc.nat(REFUSALS.length - 1) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom("compact" as const, "bookmark" as const, "wait" as const) }),
  },
);

test("whatever happens, the copy becomes what the server has, and each key that changed was told", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      await using server = await startWatchServer();
      const told = new Map<string, string | undefined>();
      await using reflector = reflect(server, {
        onChange: (key) => told.set(key, reflector.get(key)?.metadata.resourceVersion),
      });
      await reflector.synced;
      for (const one of steps) {
        if (one.kind === "put") server.put(one.name, { v: one.name });
        else if (one.kind === "remove") server.remove(one.name);
        else if (one.kind === "break") BREAKS[one.how]?.[1](server);
        else if (one.kind === "refuse") {
          const behave = REFUSALS[one.how]?.[1] ?? (() => {});
          server.failNext("watch", behave);
          server.failNext("list", behave);
        } else if (one.kind === "wait") await new Promise(setImmediate);
        else server[one.kind]();
      }
      await expectSame(server, reflector);
      for (const { metadata } of server.objects.values()) {
        expect(told.get(`n/${metadata.name}`)).toBe(metadata.resourceVersion);
      }
    }),
    { numRuns: 40 },
  );
});
