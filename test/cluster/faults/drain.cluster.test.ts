import { afterAll, beforeAll, expect, test } from "vitest";
import { NODES } from "../../../scripts/cluster/settings.ts";
import { describeOnCluster } from "../cluster.ts";
import { type JobDesk, openJobDesk } from "./counting-job.ts";
import { isServing } from "./farm-sight.ts";
import { countingBoard, useFaultyFarm } from "./faulty-farm.ts";

const TEST_MS = 500_000;
/** The farm's API with its store is elsewhere: what it loses with its pod is another fault. */
const API_NODE = "node1";
const DRAINED = "node2";
/** Numbers that a job counts: it runs when the drain comes. */
const JOB = 60;
const TAINT = "emufarm-test";
const DRAIN = ["--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=180s"];
const FARM_PARTS = "app.kubernetes.io/part-of!=emufarm";

/** All that can be there is there, until it cannot. */
const onTheNode = {
  nodeAffinity: {
    preferredDuringSchedulingIgnoredDuringExecution: [
      {
        weight: 100,
        preference: { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [DRAINED] }] },
      },
    ],
  },
};

describeOnCluster("a node that takes no more pods", "disruptive", (cluster) => {
  const given = useFaultyFarm(cluster, [`api.nodeSelector.kubernetes\\.io/hostname=${API_NODE}`]);
  let desk: JobDesk;
  const pool = { slotsPerPod: 1, podTemplate: { affinity: onTheNode } };

  beforeAll(async () => {
    desk = await openJobDesk(given(), { ...pool, replicas: 2 });
  }, TEST_MS);
  afterAll(async () => {
    await desk?.[Symbol.asyncDispose]();
    await cluster.kubectl(["uncordon", DRAINED]);
    const tainted = await cluster.kubectl(["get", "nodes", "-o", "jsonpath={.items[*].spec.taints[*].key}"]);
    if (tainted.includes(TAINT)) await cluster.kubectl(["taint", "nodes", "--all", `${TAINT}-`]);
  });

  test("as it is drained: agents of a pool go one by one, and no job is lost; a board begins anew elsewhere", {
    timeout: TEST_MS,
  }, async () => {
    const farm = given();
    const { sight, installed } = farm;
    const before = await farm.startCounting("drained", { podTemplate: { affinity: onTheNode } });
    expect(before.pod.spec?.nodeName).toBe(DRAINED);
    const agents = await sight.until("both agents", () => {
      const pods = sight.poolPods("default");
      return pods.length === 2 ? pods : undefined;
    });
    expect(agents.map(({ spec }) => spec?.nodeName)).toEqual([DRAINED, DRAINED]);
    const jobs = [await desk.startCounting(JOB), await desk.startCounting(JOB)];
    const count = sight.countAgents("default");

    await cluster.kubectl(["drain", DRAINED, `--pod-selector=${FARM_PARTS}`, ...DRAIN]);

    const after = await sight
      .untilInstance("drained", (status) => isServing(status) && status.podName !== before.status.podName)
      .then(() => countingBoard(farm, "drained"));
    expect(after.pod.spec?.nodeName).not.toBe(DRAINED);
    expect(after.address).toBe(before.address);
    expect(after.status.firmware).toEqual(before.status.firmware);
    expect(after.status.lastExit).toMatchObject({ reason: "EmulatorKilled", time: expect.any(String) });
    expect(after.status.lastExit?.detail).toContain(before.status.podName);
    await using uart = await after.openUart();
    await uart.hear(5);
    for (const { verdict } of jobs) expect(await verdict).toMatchObject({ verdict: "passed" });
    await sight.until("two agents elsewhere", () => {
      const pods = sight.poolPods("default");
      return pods.length === 2 && pods.every(({ spec }) => spec?.nodeName !== DRAINED) ? true : undefined;
    });
    expect(count.fewest).toBe(1);
    expect(sight.doubles).toEqual([]);
    await cluster.kubectl(["uncordon", DRAINED]);
    await installed.boards.kubectl(["delete", "emu/drained"]);
  });

  test("as all are tainted: a pool and a job that waits for it say so in the scheduler's words, and it runs when that is over", {
    timeout: TEST_MS,
  }, async () => {
    const { boards } = given().installed;
    const wait = (what: string, value: string) =>
      boards.kubectl(["wait", `--for=jsonpath=${what}=${value}`, "emupool/default", "--timeout=150s"]);
    await cluster.kubectl(["taint", "nodes", ...NODES, `${TAINT}=keep-off:NoSchedule`]);
    try {
      await boards.kubectl(["scale", "emupool/default", "--replicas=0"]);
      await wait("{.status.replicas}", "0");
      await boards.kubectl(["scale", "emupool/default", "--replicas=1"]);
      await wait("{.status.conditions[0].reason}", "Unschedulable");
      const message = await boards.kubectl([
        "get",
        "emupool/default",
        "-o",
        "jsonpath={.status.conditions[0].message}",
      ]);
      expect(message).toMatch(
        /^0 of 1 agents of the present spec serve\. 0\/3 nodes are available: .*untolerated taint/,
      );
      const job = await desk.submitCounting(JOB);
      expect(await desk.client.job(job.id)).toMatchObject({
        state: "waiting",
        waiting: {
          position: 0,
          reason: expect.stringMatching(
            /waits for a free slot .*; pool default .*0\/3 nodes are available: .*untolerated taint/,
          ),
        },
      });
      await cluster.kubectl(["taint", "nodes", "--all", `${TAINT}-`]);
      expect(await job.verdict).toMatchObject({ verdict: "passed", attempt: 1 });
    } finally {
      const tainted = await cluster.kubectl(["get", "nodes", "-o", "jsonpath={.items[*].spec.taints[*].key}"]);
      if (tainted.includes(TAINT)) await cluster.kubectl(["taint", "nodes", "--all", `${TAINT}-`]);
    }
  });
});
