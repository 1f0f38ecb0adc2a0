import { once } from "node:events";
import { connect } from "node:net";
import { beforeAll, expect, test } from "vitest";
import type { Pod } from "../../../src/operator/kubernetes/kinds.ts";
import { describeOnCluster } from "../cluster.ts";
import { type JobDesk, openJobDesk } from "./counting-job.ts";
import { conditionOf, isServing } from "./farm-sight.ts";
import { countingBoard, type FaultyFarm, inlineFirmware, useFaultyFarm } from "./faulty-farm.ts";
import { countProcesses, exhaustMemory, signalProcesses } from "./node-processes.ts";

const TEST_MS = 400_000;
const EMULATOR = "qemu-*";
const AGENT = "node";
/** Numbers that a job counts: it runs when the fault comes. */
const JOB = 60;

/** What takes an agent from its boards and jobs. */
const LOSSES: readonly {
  readonly name: string;
  readonly what: string;
  /** What the end of the guest says among other things. */
  readonly says?: string;
  happen(farm: FaultyFarm, pod: Pod): Promise<unknown>;
}[] = [
  { name: "killed", what: "its agent is killed", happen: ({ own }, pod) => signalProcesses(own, pod, AGENT, "KILL") },
  {
    name: "deleted",
    what: "its pod is deleted",
    happen: ({ installed }, { metadata }) =>
      installed.boards.kubectl(["delete", `pod/${metadata.name}`, "--wait=false"]),
  },
  {
    name: "evicted",
    what: "its pod is evicted",
    happen({ installed }, { metadata }) {
      const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: metadata.name } };
      const path = `/api/v1/namespaces/${installed.boards.name}/pods/${metadata.name}/eviction`;
      return installed.boards.kubectl(["create", `--raw=${path}`, "-f", "-"], JSON.stringify(eviction));
    },
  },
  {
    name: "out-of-memory",
    what: "its pod is out of memory",
    says: "OOMKilled",
    happen: ({ own }, pod) => exhaustMemory(own, pod, AGENT),
  },
];

describeOnCluster("a board", "disruptive", (cluster) => {
  const given = useFaultyFarm(cluster);
  let desk: JobDesk;

  beforeAll(async () => {
    desk = await openJobDesk(given());
  }, TEST_MS);

  const poolPod = async () => {
    const { sight } = given();
    return await sight.until("a pod of the pool", () => sight.poolPods("default")[0]);
  };

  test("whose emulator is killed stays ended with restartPolicy Never", { timeout: TEST_MS }, async () => {
    const farm = given();
    const { own, sight } = farm;
    const board = await farm.startCounting("never");
    expect(await signalProcesses(own, board.pod, EMULATOR, "KILL")).toBe(1);
    const { status } = await sight.untilInstance("never", ({ phase }) => phase === "Failed");
    expect(conditionOf(status, "Ready")).toMatchObject({ status: "False", reason: "EmulatorKilled" });
    expect(status).toMatchObject({
      podName: board.status.podName,
      restarts: 0,
      lastExit: { reason: "EmulatorKilled", signal: "SIGKILL", time: expect.any(String) },
    });
    expect(await countProcesses(own, board.pod, EMULATOR)).toBe(0);
    await farm.installed.boards.kubectl(["delete", "emu/never"]);
  });

  test("whose emulator is killed begins anew in its pod with restartPolicy OnFailure", {
    timeout: TEST_MS,
  }, async () => {
    const farm = given();
    const { own, sight } = farm;
    const board = await farm.startCounting("again", { restartPolicy: "OnFailure" });
    await using uart = await board.openUart();
    await uart.hear(10);
    await signalProcesses(own, board.pod, EMULATOR, "KILL");
    const { status } = await sight.untilInstance("again", (seen) => seen.restarts === 1 && isServing(seen));
    expect(status).toMatchObject({
      podName: board.status.podName,
      lastExit: {
        reason: "EmulatorKilled",
        signal: "SIGKILL",
        time: expect.any(String),
        lastLines: expect.arrayContaining([expect.stringMatching(/^tick \d+/)]),
      },
    });
    // The connection outlives the guest.
    await uart.hear(10);
    expect(uart.gaps).toEqual([expect.stringMatching(/-> 1$/)]);
    await farm.installed.boards.kubectl(["delete", "emu/again"]);
  });

  test("whose guest crashes has failed", { timeout: TEST_MS }, async () => {
    const farm = given();
    await farm.apply("crashing", { firmware: await inlineFirmware("shell") });
    const board = await countingBoard(farm, "crashing");
    const socket = connect(5_000, board.address);
    await once(socket, "connect");
    socket.write("crash\n");
    const { status } = await farm.sight.untilInstance("crashing", ({ phase }) => phase === "Failed");
    socket.destroy();
    expect(conditionOf(status, "Ready")).toMatchObject({ status: "False", reason: "GuestCrashed" });
    expect(status).toMatchObject({ restarts: 0, lastExit: { reason: "GuestCrashed" } });
    await farm.installed.boards.kubectl(["delete", "emu/crashing"]);
  });

  test.each(LOSSES)(
    "begins anew under its name and address when $what",
    { timeout: TEST_MS },
    async ({ name, happen, says = "" }) => {
      const farm = given();
      const { sight, own } = farm;
      const before = await farm.startCounting(name);
      await using cut = await before.openUart();
      await cut.hear(5);
      await happen(farm, before.pod);
      await cut.closed;
      await sight.untilInstance(
        name,
        (status) =>
          isServing(status) && status.lastExit?.time !== undefined && status.lastExit.reason === "EmulatorKilled",
      );
      const after = await countingBoard(farm, name);
      expect(after.address).toBe(before.address);
      expect(after.status.address).toBe(before.status.address);
      expect(after.status.firmware).toEqual(before.status.firmware);
      expect(after.status.lastExit?.detail ?? "").not.toBe("");
      expect(after.status.lastExit?.detail).toContain(says);
      await using uart = await after.openUart();
      await uart.hear(5);
      expect(uart.gaps).toEqual([]);
      expect(await countProcesses(own, after.pod, EMULATOR)).toBe(1);
      expect(sight.doubles).toEqual([]);
      await farm.installed.boards.kubectl(["delete", `emu/${name}`]);
    },
  );

  test("whose guest crashes in a job: the job has failed, and is not tried again", { timeout: TEST_MS }, async () => {
    expect(await desk.verdictOf("lockup")).toMatchObject({
      verdict: "failed",
      attempt: 1,
      attempts: [],
      error: { code: "GuestCrashed" },
    });
  });

  test.each([
    {
      what: "its emulator is killed",
      happen: ({ own }: FaultyFarm, pod: Pod) => signalProcesses(own, pod, EMULATOR, "KILL"),
    },
    ...LOSSES,
  ])("of a job: the job is tried again when $what", { timeout: TEST_MS }, async ({ happen }) => {
    const job = await desk.startCounting(JOB);
    await happen(given(), await poolPod());
    expect(await job.verdict).toMatchObject({
      verdict: "passed",
      attempt: 2,
      attempts: [expect.objectContaining({ attempt: 1 })],
    });
  });
});
