import { beforeAll, expect, test } from "vitest";
import { cutCable, healCable, killMachine, startMachine } from "../../../scripts/cluster/faults.ts";
import { type ClusterSettings, NODES, type NodeName } from "../../../scripts/cluster/settings.ts";
import { describeOnCluster } from "../cluster.ts";
import { type JobDesk, openJobDesk } from "./counting-job.ts";
import { conditionOf, isServing } from "./farm-sight.ts";
import { countingBoard, useFaultyFarm } from "./faulty-farm.ts";
import { isWanted } from "./long-faults.ts";
import { countProcesses } from "./node-processes.ts";

const TEST_MS = 600_000;
/** The farm's own state, and the way from this machine into the cluster, are here: it stays. */
const SAFE: NodeName = "node1";
/** Numbers that a job counts: it runs when its node goes. */
const JOB = 100;
/** A board is held to be elsewhere within 60 s; on two busy cores its new pod may take half as long again. */
const ELSEWHERE_MS = 90_000;

const hostname = "kubernetes.io/hostname";
const elsewhere = {
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: hostname, operator: "NotIn", values: [SAFE] }] }],
    },
  },
};
/** The job has its slot where the board is, and loses it with the same node. */
const besideTheBoard = {
  ...elsewhere,
  podAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      { topologyKey: hostname, labelSelector: { matchLabels: { "emufarm.dev/instance": "counting" } } },
    ],
  },
};

interface Fault {
  readonly what: string;
  readonly breaks: (own: ClusterSettings, node: NodeName) => Promise<void>;
  readonly mends: (own: ClusterSettings, node: NodeName) => Promise<void>;
  /** Only with `npm run test:faults`. */
  readonly isLong?: boolean;
}

const FAULTS: readonly Fault[] = [
  { what: "loses its power", breaks: killMachine, mends: startMachine },
  { what: "is cut off, and heals", breaks: cutCable, mends: healCable, isLong: true },
];

describeOnCluster("a board and a job whose node", "disruptive", (cluster) => {
  const given = useFaultyFarm(cluster, [`api.nodeSelector.kubernetes\\.io/hostname=${SAFE}`]);
  let desk: JobDesk;

  beforeAll(async () => {
    await given().startCounting("counting", { podTemplate: { affinity: elsewhere } });
    desk = await openJobDesk(given(), { podTemplate: { affinity: besideTheBoard } });
  }, TEST_MS);

  test.each(FAULTS.filter(isWanted))(
    "$what begin anew elsewhere, and are never in two places",
    { timeout: TEST_MS },
    async (fault) => {
      const { sight, own, partPods } = given();
      const before = await countingBoard(given(), "counting");
      const node = NODES.find((one) => one === before.pod.spec?.nodeName);
      if (node === undefined || node === SAFE) throw new Error(`the board is on ${before.pod.spec?.nodeName}`);
      const job = await desk.startCounting(JOB);
      // Its agent takes a job before the node has found that it is ready.
      await expect.poll(() => sight.poolPods("default").map(({ spec }) => spec?.nodeName)).toEqual([node]);

      await fault.breaks(own, node);
      const goneMs = performance.now();
      try {
        const lost = await sight.untilInstance("counting", (status) => !isServing(status));
        expect(conditionOf(lost.status, "Ready")?.message).not.toBe("");
        await sight.untilInstance(
          "counting",
          (status) => isServing(status) && status.podName !== before.status.podName,
          goneMs + ELSEWHERE_MS - performance.now(),
        );
      } finally {
        await fault.mends(own, node);
      }
      const after = await countingBoard(given(), "counting");
      expect(after.pod.spec?.nodeName).not.toBe(node);
      expect(after.address).toBe(before.address);
      expect(after.status.address).toBe(before.status.address);
      expect(after.status.firmware?.sha256).toBe(before.status.firmware?.sha256);
      expect(after.status.lastExit).toMatchObject({ reason: "EmulatorKilled", time: expect.any(String) });
      expect(after.status.lastExit?.detail).toContain(before.status.podName);
      await using uart = await after.openUart();
      await uart.hear(5);

      expect(await job.verdict).toMatchObject({ verdict: "passed", attempt: 2 });
      await cluster.kubectl(["wait", "--for=condition=Ready", `node/${node}`, "--timeout=150s"]);
      // What ran on there unseen has ended: its node has heard that the pod is gone.
      await expect.poll(() => countProcesses(own, before.pod, "*"), { timeout: 150_000 }).toBe(0);
      await sight.untilInstance("counting", isServing);
      expect(sight.pods("counting").map(({ metadata }) => metadata.uid)).toEqual([after.pod.metadata.uid]);
      await uart.hear(5);
      expect(uart.gaps).toEqual([]);
      expect(sight.doubles).toEqual([]);
      for (const pod of await partPods("operator")) expect(pod.status?.phase).toBe("Running");
    },
  );
});
