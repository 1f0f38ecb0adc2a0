import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { resumeDaemon, stopDaemon } from "../../../scripts/cluster/faults.ts";
import { runOn } from "../../../scripts/cluster/machine.ts";
import { LEASES } from "../../../src/kube/lease.ts";
import type { Pod } from "../../../src/operator/kubernetes/kinds.ts";
import { describeOnCluster } from "../cluster.ts";
import { type JobDesk, openJobDesk } from "./counting-job.ts";
import type { CountingUart } from "./counting-uart.ts";
import { conditionOf, isServing } from "./farm-sight.ts";
import { type CountingBoard, type FaultyFarm, useFaultyFarm } from "./faulty-farm.ts";
import { isWanted } from "./long-faults.ts";
import { signalProcesses } from "./node-processes.ts";

const TEST_MS = 500_000;
/** Numbers that are listened to while something is broken: two seconds of the guest. */
const A_WHILE = 20;
/** Numbers that a job counts: it runs when the fault comes. */
const JOB = 60;
/** The longest that the API server is away here; not so long that a node would be given up for good. */
const AWAY_MS = 30_000;
/** Four times as long as a lease. */
const FROZEN_MS = 60_000;
const METRICS_PORT = 8_080;
/** What is asked for is held to be done within 10 s of the return of what was away; three times as long on two busy cores. */
const CAUGHT_UP_MS = 30_000;

interface Fault {
  readonly what: string;
  /** Only with `npm run test:faults`. */
  readonly isLong?: boolean;
  /** Begins and ends; `listen` hears the board for a while. */
  happen(farm: FaultyFarm, listen: () => Promise<void>): Promise<void>;
}

const FAULTS: readonly Fault[] = [
  {
    what: "the operator that leads is killed",
    async happen(farm, listen) {
      const leader = await leaderOf(farm);
      expect(await signalProcesses(farm.own, leader, "node", "KILL")).toBe(1);
      await listen();
      // Until then it is away: another leads, or itself again, once its lease is over.
      await expect.poll(() => leadersOf(farm), { timeout: 60_000 }).toHaveLength(1);
    },
  },
  {
    what: "the operator that leads is frozen until another leads, and then goes on",
    happen: (farm, listen) => freezeLeader(farm, 0, listen),
  },
  {
    what: `the operator that leads is frozen for ${FROZEN_MS / 1_000} s, while another leads, and then goes on`,
    isLong: true,
    happen: (farm, listen) => freezeLeader(farm, FROZEN_MS, listen),
  },
  {
    what: "the API server is killed, and comes back",
    async happen({ own }, listen) {
      await stopDaemon(own, "control-plane", "kube-apiserver");
      try {
        await listen();
      } finally {
        await resumeDaemon(own, "control-plane", "kube-apiserver");
      }
    },
  },
  {
    what: `the API server is frozen for ${AWAY_MS / 1_000} s`,
    isLong: true,
    async happen({ own }, listen) {
      await signalApiServer(own, "STOP");
      try {
        await sleep(AWAY_MS);
        await listen();
      } finally {
        await signalApiServer(own, "CONT");
      }
    },
  },
  {
    what: "the farm's API and dispatcher are killed",
    async happen(farm, listen) {
      const [pod] = await farm.partPods("api");
      expect(await signalProcesses(farm.own, pod as Pod, "node", "KILL")).toBe(2);
      await listen();
    },
  },
  {
    what: "Redis is killed",
    async happen(farm, listen) {
      const [pod] = await farm.partPods("redis");
      expect(await signalProcesses(farm.own, pod as Pod, "redis-server*", "KILL")).toBe(1);
      await listen();
    },
  },
  {
    what: "Redis loses its pod with all that it had",
    async happen(farm, listen) {
      await farm.installed.system.kubectl(["delete", "pod/emufarm-redis-0", "--grace-period=0", "--force"]);
      await listen();
    },
  },
];

describeOnCluster("a board and a job", "disruptive", (cluster) => {
  const given = useFaultyFarm(cluster);
  let board: CountingBoard;
  let uart: CountingUart;
  let desk: JobDesk;

  beforeAll(async () => {
    board = await given().startCounting("counting");
    uart = await board.openUart();
    desk = await openJobDesk(given());
  }, TEST_MS);
  afterAll(async () => {
    await uart?.[Symbol.asyncDispose]();
    await desk?.[Symbol.asyncDispose]();
  });

  test("have one operator that leads and one that waits", { timeout: TEST_MS }, async () => {
    const farm = given();
    await uart.hear(A_WHILE);
    expect((await farm.partPods("operator")).length).toBe(2);
    await expect.poll(() => leadersOf(farm), { timeout: 60_000 }).toEqual([await holderOf(farm)]);
  });

  test.each(FAULTS.filter(isWanted))("notice nothing when $what", { timeout: TEST_MS }, async ({ happen }) => {
    const farm = given();
    const { sight } = farm;
    const before = await sight.untilInstance(board.name, isServing);
    const job = await desk.startCounting(JOB);

    await happen(farm, () => uart.hear(A_WHILE));
    await expect.poll(() => isUp(cluster), { timeout: 120_000 }).toBe(true);
    const returnedMs = performance.now();

    // The object: as it was, and soon served again.
    const after = sight.instance(board.name);
    expect(conditionOf(after?.status, "Ready")).toEqual(conditionOf(before.status, "Ready"));
    expect(after?.status?.podName).toBe(board.pod.metadata.name);
    const { restartPolicy = "Never" } = (after as { spec?: { restartPolicy?: string } }).spec ?? {};
    await farm.patch(board.name, { restartPolicy: restartPolicy === "Never" ? "OnFailure" : "Never" });
    const served = await sight.untilInstance(board.name, isServing, returnedMs + CAUGHT_UP_MS - performance.now());
    expect(served.status).toMatchObject({ podName: board.pod.metadata.name, restarts: 0 });
    await cluster.kubectl(["wait", "--for=condition=Ready", "nodes", "--all", "--timeout=120s"]);
    expect(sight.pods(board.name).map(({ metadata }) => metadata.uid)).toEqual([board.pod.metadata.uid]);
    // The guest.
    await uart.hear(A_WHILE);
    expect(uart.gaps).toEqual([]);
    // The job.
    expect(await job.verdict).toMatchObject({ verdict: "passed", attempt: 1, attempts: [] });
    await uart.hear(1);
    expect(uart.gaps).toEqual([]);
  });

  test("have one operator that leads after all that", { timeout: TEST_MS }, async () => {
    const farm = given();
    await expect.poll(() => leadersOf(farm), { timeout: 60_000 }).toEqual([await holderOf(farm)]);
    expect(farm.sight.doubles).toEqual([]);
  });
});

async function isUp(cluster: Parameters<typeof useFaultyFarm>[0]): Promise<boolean> {
  return cluster.kubectl(["get", "--raw=/readyz"]).then(
    () => true,
    () => false,
  );
}

/** Name of the pod that the lease says leads; undefined for none. */
async function holderOf(farm: FaultyFarm): Promise<string | undefined> {
  const lease = await farm.sight.client.get(LEASES, "emufarm-operator", farm.installed.system.name);
  // Each process has a name of its own, after that of its pod.
  const holder = lease?.spec?.holderIdentity ?? "";
  const names = (await farm.partPods("operator")).map(({ metadata }) => metadata.name ?? "");
  return names.find((name) => holder.startsWith(name));
}

async function leaderOf(farm: FaultyFarm): Promise<Pod> {
  const holder = await holderOf(farm);
  const pod = (await farm.partPods("operator")).find(({ metadata }) => metadata.name === holder);
  if (!pod) throw new Error(`no operator's pod is ${holder}`);
  return pod;
}

/** What it wakes up with is of no effect: it does not lead, and the lease of the one that does is untouched. */
async function freezeLeader(farm: FaultyFarm, atLeastMs: number, listen: () => Promise<void>): Promise<void> {
  const leader = await leaderOf(farm);
  await signalProcesses(farm.own, leader, "node", "STOP");
  let epoch: unknown;
  try {
    const isLong = sleep(atLeastMs);
    await expect.poll(() => holderOf(farm), { timeout: 120_000, interval: 500 }).not.toBe(leader.metadata.name);
    epoch = await epochOf(farm);
    await isLong;
  } finally {
    await signalProcesses(farm.own, leader, "node", "CONT");
  }
  await listen();
  expect(await holderOf(farm)).not.toBe(leader.metadata.name);
  expect(await epochOf(farm)).toBe(epoch);
  await expect.poll(() => leadersOf(farm), { timeout: 60_000 }).toEqual([await holderOf(farm)]);
}

/** Of the leader's term: another one for each. */
async function epochOf(farm: FaultyFarm): Promise<number | undefined> {
  const lease = await farm.sight.client.get(LEASES, "emufarm-operator", farm.installed.system.name);
  return lease?.spec?.leaseTransitions;
}

/** Names of the operators that say of themselves that they lead. */
async function leadersOf(farm: FaultyFarm): Promise<string[]> {
  const said = await Promise.all(
    (await farm.partPods("operator")).map(async ({ metadata, status }) => {
      const answer = await fetch(`http://${status?.podIP}:${METRICS_PORT}/metrics`);
      return /^leader_election_master_status\S* 1$/m.test(await answer.text()) ? [metadata.name ?? ""] : [];
    }),
  );
  return said.flat();
}

async function signalApiServer(own: FaultyFarm["own"], signal: "STOP" | "CONT"): Promise<void> {
  await runOn(own, "control-plane", ["bash", "-c", 'kill -"$0" "$(</run/kube-apiserver.pid)"', signal]);
}
