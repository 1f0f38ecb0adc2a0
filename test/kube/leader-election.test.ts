import fc from "fast-check";
import { pino } from "pino";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { KubeError } from "../../src/kube/kube-error.ts";
import { createKubeMetrics } from "../../src/kube/kube-metrics.ts";
import { type LeaderElectionOptions, type Leadership, runLeaderElection } from "../../src/kube/leader-election.ts";
import { LEASES } from "../../src/kube/lease.ts";
import { CONFIG_MAPS, configMap } from "./fake-api-server.ts";
import { FakeClock, settle } from "./fake-clock.ts";
import { clientOf, StoredObjects } from "./stored-objects.ts";

const LEASE = "n/operator";

/** A process that stands for leader, on a clock of its own: it is frozen while the others' clocks go on. */
function candidate(identity: string, objects: StoredObjects, options: Partial<LeaderElectionOptions> = {}) {
  const clock = new FakeClock();
  const ending = new AbortController();
  const registry = new Registry();
  /** How calls fare: `lost` do nothing and fail, `unheard` are carried out and fail, `late` wait for the clock. */
  const network = { state: "good" as "good" | "lost" | "unheard" | "late" };
  const terms: Leadership[] = [];
  let leave = Promise.withResolvers<void>();
  const client = clientOf(objects, async (act) => {
    const { state } = network;
    if (state === "lost") throw new KubeError({ status: 0, reason: "Unreachable", message: "lost" });
    if (state === "late") await new Promise<void>((resolve) => clock.after(500, resolve));
    const value = act();
    if (state === "unheard") throw new KubeError({ status: 0, reason: "Timeout", message: "unheard" });
    return value;
  });
  const elected = runLeaderElection({
    client,
    namespace: "n",
    name: "operator",
    identity,
    signal: ending.signal,
    clock,
    log: pino({ level: "silent" }),
    metrics: createKubeMetrics(registry),
    async lead(leadership) {
      terms.push(leadership);
      leave = Promise.withResolvers();
      leadership.signal.addEventListener("abort", () => options.lead ?? leave.resolve());
      await (options.lead?.(leadership) ?? leave.promise);
    },
  });
  return {
    clock,
    network,
    terms,
    client,
    leave: () => leave.resolve(),
    end: () => ending.abort(),
    elected,
    get isLeader() {
      const term = terms.at(-1);
      try {
        term?.assertHeld();
      } catch {
        return false;
      }
      return term !== undefined;
    },
    isLeaderMetric: async () =>
      (await registry.getSingleMetric("leader_election_master_status")?.get())?.values[0]?.value,
  };
}

const advanceAll = async (ms: number, ...candidates: { clock: FakeClock }[]) => {
  for (let passed = 0; passed < ms; passed += 500) for (const { clock } of candidates) await clock.advance(500);
};

test("of two that stand one leads, and the other takes over when it goes in good order", async () => {
  const objects = new StoredObjects();
  const a = candidate("a", objects);
  await settle();
  const b = candidate("b", objects);
  await advanceAll(60_000, a, b);
  expect([a.isLeader, b.isLeader]).toEqual([true, false]);
  expect([await a.isLeaderMetric(), await b.isLeaderMetric()]).toEqual([1, 0]);
  a.end();
  await a.elected;
  expect(objects.get(LEASES, LEASE)).toMatchObject({ spec: { holderIdentity: "" } });
  await advanceAll(3_000, b);
  expect(b.isLeader).toBe(true);
  expect(b.terms[0]?.epoch).toBe((a.terms[0]?.epoch ?? 0) + 1);
  b.end();
  await b.elected;
});

test("a leader that is asked to end keeps the lease until it has", async () => {
  const objects = new StoredObjects();
  const finish = Promise.withResolvers<void>();
  const a = candidate("a", objects, { lead: () => finish.promise });
  await settle();
  const b = candidate("b", objects);
  await advanceAll(5_000, a, b);
  a.end();
  await advanceAll(60_000, a, b);
  expect(a.terms[0]?.signal.aborted).toBe(true);
  expect([a.isLeader, b.isLeader]).toEqual([true, false]);
  await a.terms[0]?.client.create(CONFIG_MAPS, configMap("last-words", 1));
  finish.resolve();
  await a.elected;
  await expect(a.terms[0]?.client.create(CONFIG_MAPS, configMap("too-late", 1))).rejects.toThrow("the term is over");
  await advanceAll(3_000, b);
  expect(b.isLeader).toBe(true);
  b.end();
  await b.elected;
});

test("a leader that cannot renew stops before another can begin", async () => {
  const objects = new StoredObjects();
  const a = candidate("a", objects);
  await settle();
  const b = candidate("b", objects);
  await advanceAll(6_000, a, b);
  a.network.state = "lost";
  for (let ms = 0; ms < 30_000 && !b.isLeader; ms += 100) {
    await a.clock.advance(100);
    if (ms > 10_100) expect(a.terms[0]?.signal.aborted).toBe(true);
    await b.clock.advance(100);
    expect(Number(a.isLeader) + Number(b.isLeader)).toBeLessThan(2);
  }
  expect(b.isLeader).toBe(true);
  expect(b.terms[0]?.epoch).toBeGreaterThan(a.terms[0]?.epoch ?? 0);
  for (const one of [a, b]) one.end();
  await Promise.all([a.elected, b.elected]);
});

test("a leader that was frozen finds out before it acts, though no timer has fired yet", async () => {
  const objects = new StoredObjects();
  const a = candidate("a", objects);
  await settle();
  const b = candidate("b", objects);
  await advanceAll(6_000, a, b);
  await b.clock.advance(60_000);
  expect(b.isLeader).toBe(true);
  a.clock.freeze(60_000);
  const [term] = a.terms;
  expect(term?.signal.aborted).toBe(false);
  await expect(term?.client.create(CONFIG_MAPS, configMap("x", 1))).rejects.toThrow("in time");
  expect(term?.signal.aborted).toBe(true);
  expect(objects.get(CONFIG_MAPS, "n/x")).toBeUndefined();
  for (const one of [a, b]) one.end();
  await Promise.all([a.elected, b.elected]);
});

test("a call that the freeze caught on its way to the connection does not leave after it", async () => {
  const objects = new StoredObjects();
  const a = candidate("a", objects);
  await settle();
  a.network.state = "late";
  const created = a.terms[0]?.client.create(CONFIG_MAPS, configMap("x", 1)).catch((error: Error) => error.message);
  a.clock.freeze(60_000);
  await a.clock.advance(500);
  expect(await created).toContain("in time");
  expect(objects.get(CONFIG_MAPS, "n/x")).toBeUndefined();
  a.network.state = "good";
  a.end();
  await a.elected;
});

test("a lease that was deleted is lost at once, and its successor does not count from 0", async () => {
  const objects = new StoredObjects();
  const a = candidate("a", objects);
  await settle();
  const [first] = a.terms;
  objects.remove(LEASES, LEASE);
  await a.clock.advance(2_000);
  expect(first?.signal.aborted).toBe(true);
  await a.clock.advance(120_000);
  expect(a.isLeader).toBe(true);
  expect(a.terms.at(-1)?.epoch).toBeGreaterThanOrEqual(first?.epoch ?? Number.NaN);
  expect(first?.epoch).toBeGreaterThan(29_000_000);
  a.end();
  await a.elected;
});

test("a renewal whose answer was lost is no reason to stop, nor is a label that somebody has set", async () => {
  const objects = new StoredObjects();
  const a = candidate("a", objects);
  await settle();
  a.network.state = "unheard";
  await a.clock.advance(2_100);
  a.network.state = "good";
  await a.clock.advance(30_000);
  const lease = objects.get(LEASES, LEASE);
  if (lease) objects.replace(LEASES, { ...lease, metadata: { ...lease.metadata, labels: { a: "b" } } });
  await a.clock.advance(30_000);
  expect(a.isLeader).toBe(true);
  expect(a.terms).toHaveLength(1);
  expect(objects.get(LEASES, LEASE)?.metadata.labels).toEqual({ a: "b" });
  a.end();
  await a.elected;
});

test("a leader that fails gives the lease back, and stands again with a greater epoch", async () => {
  const objects = new StoredObjects();
  const a = candidate("a", objects, { lead: () => Promise.reject(new Error("no")) });
  await a.clock.advance(10_000);
  const epochs = a.terms.map(({ epoch }) => epoch);
  expect(epochs.length).toBeGreaterThan(1);
  expect(epochs).toEqual([...new Set(epochs)].sort((one, other) => one - other));
  a.end();
  await a.elected;
});

test("times that would let two lead at once are refused", async () => {
  const objects = new StoredObjects();
  const signal = AbortSignal.timeout(0);
  const options = { client: clientOf(objects, async (act) => act()), namespace: "n", name: "l", identity: "i", signal };
  const log = pino({ level: "silent" });
  const metrics = createKubeMetrics(new Registry());
  const lead = () => Promise.resolve();
  const run = runLeaderElection({ ...options, log, metrics, lead, leaseMs: 10_000, renewMs: 10_000 });
  await expect(run).rejects.toThrow(RangeError);
});

/** What may happen to one of three candidates, and how long. */
const step = fc.record({
  which: fc.nat(2),
  what: fc.constantFrom(
    "good" as const,
    "lost" as const,
    "unheard" as const,
    "late" as const,
    "freeze" as const,
    "leave" as const,
  ),
  ms: fc.integer({ min: 500, max: 20_000 }),
});

test("whatever happens, no two lead at once and epochs only grow", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const objects = new StoredObjects();
      const candidates = ["a", "b", "c"].map((identity) => candidate(identity, objects));
      let greatest = 0;
      const look = () => {
        const leaders = candidates.filter(({ isLeader }) => isLeader);
        expect(leaders.length).toBeLessThan(2);
        const epoch = leaders[0]?.terms.at(-1)?.epoch ?? greatest;
        expect(epoch).toBeGreaterThanOrEqual(greatest);
        greatest = epoch;
      };
      for (const { which, what, ms } of steps) {
        const one = candidates[which];
        if (!one) continue;
        if (what === "leave") one.leave();
        else if (what !== "freeze") one.network.state = what;
        for (let passed = 0; passed < ms; passed += 500) {
          for (const other of candidates) {
            if (what === "freeze" && other === one) other.clock.freeze(500);
            else await other.clock.advance(500);
          }
          look();
        }
      }
      for (const one of candidates) {
        one.network.state = "good";
        one.end();
        await one.clock.advance(1_000);
      }
      await Promise.all(candidates.map(({ elected }) => elected));
    }),
    { numRuns: 25 },
  );
});
