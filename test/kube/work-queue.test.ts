import fc from "fast-check";
import { pino } from "pino";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { KubeError } from "../../src/kube/kube-error.ts";
import { createKubeMetrics } from "../../src/kube/kube-metrics.ts";
import { createWorkQueue, type WorkQueueOptions } from "../../src/kube/work-queue.ts";
import { FakeClock, settle } from "./fake-clock.ts";

const log = pino({ level: "silent" });

/** What is thrown need not be an error. */
async function rejectWith(reason: unknown): Promise<undefined> {
  AbortSignal.abort(reason).throwIfAborted();
  return undefined;
}

/** A queue whose turns the test ends one by one. */
function makeQueue(options: Partial<WorkQueueOptions> = {}) {
  const clock = new FakeClock();
  const registry = new Registry();
  const turns: {
    key: string;
    atMs: number;
    signal: AbortSignal;
    end: PromiseWithResolvers<{ requeueAfterMs?: number } | undefined>;
  }[] = [];
  const queue = createWorkQueue({
    name: "boards",
    workers: 1,
    clock,
    log,
    metrics: createKubeMetrics(registry),
    reconcile(key, signal) {
      const end = Promise.withResolvers<{ requeueAfterMs?: number } | undefined>();
      turns.push({ key, atMs: clock.nowMs(), signal, end });
      return end.promise;
    },
    ...options,
  });
  const value = async (name: string) => (await registry.getSingleMetric(name)?.get())?.values[0]?.value;
  return { queue, clock, turns, registry, value, keys: () => turns.map(({ key }) => key) };
}

test("a key that is asked for many times before its turn has one turn", async () => {
  const { queue, keys } = makeQueue({ workers: 3 });
  for (const key of ["a", "b", "a", "a", "b"]) queue.add(key);
  await settle();
  expect(keys()).toEqual(["a", "b"]);
});

test("a key that is asked for during its turn has another one after it, not beside it", async () => {
  const { queue, turns, keys } = makeQueue({ workers: 3 });
  queue.add("a");
  await settle();
  queue.add("a");
  queue.add("a");
  await settle();
  expect(keys()).toEqual(["a"]);
  turns[0]?.end.resolve(undefined);
  await settle();
  expect(keys()).toEqual(["a", "a"]);
  turns[1]?.end.resolve(undefined);
  await queue.drained();
  expect(keys()).toEqual(["a", "a"]);
});

test("nothing runs within the call that asks for it", () => {
  const { queue, turns } = makeQueue();
  queue.add("a");
  expect(turns).toHaveLength(0);
});

test("keys have their turn in the order in which they were asked for, as many at once as there are workers", async () => {
  const { queue, turns, keys } = makeQueue({ workers: 2 });
  for (const key of ["a", "b", "c", "d"]) queue.add(key);
  await settle();
  expect(keys()).toEqual(["a", "b"]);
  turns[1]?.end.resolve(undefined);
  await settle();
  expect(keys()).toEqual(["a", "b", "c"]);
});

test("failures in a row make the pauses longer, from 5 ms up to 1,000 s; a success forgets them", async () => {
  let isBroken = true;
  const atMs: number[] = [];
  const { queue, clock } = makeQueue({
    reconcile: async () => {
      atMs.push(clock.nowMs());
      if (isBroken) throw new Error("no");
      return undefined;
    },
  });
  queue.add("a");
  await clock.advance(5_000_000);
  const pauses = atMs.slice(1).map((ms, index) => ms - (atMs[index] ?? 0));
  expect(pauses.slice(0, 5)).toEqual([5, 10, 20, 40, 80]);
  expect(pauses.at(-1)).toBe(1_000_000);
  isBroken = false;
  await clock.advance(1_000_000);
  isBroken = true;
  atMs.length = 0;
  queue.add("a");
  await clock.advance(6);
  expect((atMs[1] ?? 0) - (atMs[0] ?? 0)).toBe(5);
});

test("one key's failures do not slow down another", async () => {
  const seen: string[] = [];
  const { queue, clock } = makeQueue({
    reconcile: async (key) => {
      seen.push(key);
      if (key === "bad") throw new Error("no");
      return undefined;
    },
  });
  queue.add("bad");
  await clock.advance(1_000);
  seen.length = 0;
  queue.add("good");
  await settle();
  expect(seen).toEqual(["good"]);
});

test.each<[string, WorkQueueOptions["reconcile"]]>([
  [
    "throws before it waits",
    () => {
      throw new TypeError("x is not a function");
    },
  ],
  ["throws what is no error", () => rejectWith("over")],
  ["answers what is no time", async () => ({ requeueAfterMs: Number.NaN })],
])("the queue goes on when a reconcile %s", async (_name, reconcile) => {
  const seen: string[] = [];
  const { queue, value } = makeQueue({
    reconcile: (key, signal) => {
      seen.push(key);
      return key === "a" ? reconcile(key, signal) : Promise.resolve(undefined);
    },
  });
  queue.add("a");
  queue.add("b");
  await queue.drained();
  expect(seen).toEqual(["a", "b"]);
  expect(await value("controller_runtime_reconcile_errors_total")).toBe(1);
});

test("a pause that the API server asked for is kept", async () => {
  const atMs: number[] = [];
  const { queue, clock } = makeQueue({
    reconcile: async () => {
      atMs.push(clock.nowMs());
      throw new KubeError({ status: 429, reason: "TooManyRequests", message: "busy", retryAfterMs: 3_000 });
    },
  });
  queue.add("a");
  await clock.advance(3_000);
  expect(atMs).toEqual([0, 3_000]);
});

test("a key comes again when its reconcile said so, and a turn in between says anew", async () => {
  const { queue, clock, turns } = makeQueue();
  queue.add("a");
  await settle();
  turns[0]?.end.resolve({ requeueAfterMs: 100 });
  await clock.advance(50);
  queue.add("a");
  await settle();
  turns[1]?.end.resolve({ requeueAfterMs: 100 });
  await clock.advance(99);
  expect(turns).toHaveLength(2);
  await clock.advance(1);
  expect(turns.map(({ atMs }) => atMs)).toEqual([0, 50, 150]);
});

test("of several moments for a key the earliest counts, and a turn in between does not call it off", async () => {
  const { queue, clock, turns } = makeQueue();
  queue.addAfter("a", 300);
  queue.addAfter("a", 200);
  queue.addAfter("a", 400);
  queue.add("a");
  await settle();
  turns[0]?.end.resolve(undefined);
  await clock.advance(1_000);
  turns[1]?.end.resolve(undefined);
  await clock.advance(1_000);
  expect(turns.map(({ atMs }) => atMs)).toEqual([0, 200]);
  expect(clock.timers).toBe(0);
});

test("a queue that ends drops what waits, lets turns end, and starts none", async () => {
  const { queue, clock, turns, keys } = makeQueue();
  queue.add("a");
  queue.add("b");
  queue.addAfter("c", 10);
  await settle();
  queue.add("a");
  const ended = queue[Symbol.asyncDispose]();
  queue.add("d");
  queue.addAfter("d", 1);
  await clock.advance(100);
  expect(turns[0]?.signal.aborted).toBe(false);
  turns[0]?.end.resolve({ requeueAfterMs: 1 });
  await ended;
  await clock.advance(1_000);
  expect(keys()).toEqual(["a"]);
  expect(clock.timers).toBe(0);
});

test("turns that take too long at the end are told to stop", async () => {
  const { queue, clock } = makeQueue({
    graceMs: 1_000,
    reconcile: (_key, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  });
  queue.add("a");
  await settle();
  const ended = queue[Symbol.asyncDispose]();
  await clock.advance(1_000);
  await ended;
});

test("a queue whose time is over tells all turns to stop at once, and begins none, though it has not ended yet", async () => {
  const over = new AbortController();
  const { queue, turns, keys } = makeQueue({ workers: 2, signal: over.signal });
  queue.add("a");
  queue.add("b");
  await settle();
  over.abort(new Error("the term is over"));
  expect(turns.map(({ signal }) => signal.reason)).toEqual([over.signal.reason, over.signal.reason]);
  for (const { end, signal } of turns) end.reject(signal.reason);
  queue.add("c");
  await settle();
  expect(keys()).toEqual(["a", "b"]);
  await queue[Symbol.asyncDispose]();
});

test("a queue ends without a turn that does not heed its signal", async () => {
  const { queue, clock, turns } = makeQueue({ graceMs: 1_000 });
  queue.add("a");
  await settle();
  const ended = queue[Symbol.asyncDispose]();
  await clock.advance(2_000);
  await ended;
  expect(turns[0]?.signal.aborted).toBe(true);
});

test("the metrics have the names that dashboards know", async () => {
  const { queue, clock, turns, registry, value } = makeQueue();
  queue.add("a");
  queue.add("b");
  await settle();
  clock.freeze(2_000);
  expect(await value("workqueue_depth")).toBe(1);
  expect(await value("workqueue_adds_total")).toBe(2);
  expect(await value("workqueue_unfinished_work_seconds")).toBe(2);
  expect(await value("workqueue_longest_running_processor_seconds")).toBe(2);
  expect(await value("controller_runtime_active_workers")).toBe(1);
  expect(await value("controller_runtime_max_concurrent_reconciles")).toBe(1);
  turns[0]?.end.reject(new Error("no"));
  await settle();
  const text = await registry.metrics();
  expect(text).toContain('controller_runtime_reconcile_total{controller="boards",result="error"} 1');
  expect(text).toContain('controller_runtime_reconcile_errors_total{controller="boards"} 1');
  expect(text).toContain('controller_runtime_reconcile_time_seconds_sum{controller="boards"} 2');
  expect(text).toContain('workqueue_work_duration_seconds_sum{name="boards",controller="boards"} 2');
  expect(text).toContain('workqueue_queue_duration_seconds_count{name="boards",controller="boards"} 2');
  expect(text).toContain('workqueue_retries_total{name="boards",controller="boards"} 1');
  turns[1]?.end.resolve(undefined);
  await queue[Symbol.asyncDispose]();
  expect(await registry.metrics()).not.toMatch(/^(workqueue_depth|controller_runtime_active_workers)\{/m);
});

/** What may happen to a queue: a key is asked for, now or later; a turn ends; time passes. */
const step = fc.oneof(
  fc.record({ kind: fc.constant("add" as const), key: fc.constantFrom("a", "b", "c") }),
  fc.record({ kind: fc.constant("later" as const), key: fc.constantFrom("a", "b", "c"), ms: fc.nat(100) }),
  fc.record({ kind: fc.constant("end" as const), which: fc.nat(3), outcome: fc.constantFrom("good", "bad", "again") }),
  fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(100) }),
);

test("whatever happens, no key has two turns at once, workers are enough, and each ask is followed by a turn", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.integer({ min: 1, max: 3 }), async (steps, workers) => {
      const { queue, clock, turns } = makeQueue({ workers });
      const running: typeof turns = [];
      /** For each key how many turns had begun when it was last asked for. */
      const asked = new Map<string, number>();
      const begun = (key: string) => turns.filter((turn) => turn.key === key).length;
      const look = async () => {
        await settle();
        for (const turn of turns) if (!running.includes(turn) && !ended.has(turn)) running.push(turn);
        expect(new Set(running.map(({ key }) => key)).size).toBe(running.length);
        expect(running.length).toBeLessThanOrEqual(workers);
      };
      const ended = new Set<(typeof turns)[number]>();
      const end = (turn: (typeof turns)[number] | undefined, outcome: string) => {
        if (!turn) return;
        running.splice(running.indexOf(turn), 1);
        ended.add(turn);
        if (outcome === "bad") turn.end.reject(new Error("no"));
        else turn.end.resolve(outcome === "again" ? { requeueAfterMs: 10 } : undefined);
      };
      for (const one of steps) {
        if (one.kind === "add") {
          asked.set(one.key, begun(one.key));
          queue.add(one.key);
        } else if (one.kind === "later") queue.addAfter(one.key, one.ms);
        else if (one.kind === "pass") await clock.advance(one.ms);
        else end(running[one.which % Math.max(1, running.length)], one.outcome);
        await look();
      }
      while (running.length > 0) {
        end(running[0], "good");
        await look();
      }
      await queue.drained();
      for (const [key, before] of asked) expect(begun(key)).toBeGreaterThan(before);
      await queue[Symbol.asyncDispose]();
      expect(clock.timers).toBe(0);
    }),
    { numRuns: 60 },
  );
});
