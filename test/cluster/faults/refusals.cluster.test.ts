import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { describeOnCluster } from "../cluster.ts";
import { conditionOf, isServing } from "./farm-sight.ts";
import { countingBoard, type FaultyFarm, inlineFirmware, useFaultyFarm } from "./faulty-farm.ts";

const TEST_MS = 400_000;
/** The time is the test: whoever tries again in a hurry does so hundreds of times meanwhile. */
const QUIET_MS = 8_000;
/** Tries with growing pauses in that time, or changes of a status by what else goes on. */
const FEW = 6;

/** Held to 5 s; scheduler, node and operator share two busy cores with all else. */
const TOLD_MS = 15_000;

interface Refusal {
  readonly name: string;
  readonly what: string;
  readonly spec: object;
  /** Objects that are there first. */
  readonly beside?: readonly object[];
  /** What is done to the cluster first. */
  readonly prepare?: (farm: FaultyFarm) => Promise<unknown>;
  readonly reason: string;
  readonly message: RegExp;
  /** What takes the obstacle away; it is ready then, by itself. */
  readonly mend?: (farm: FaultyFarm) => Promise<unknown>;
}

const foreignService = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "taken" },
  spec: { ports: [{ port: 80 }] },
};

const TAINTED = "node3";
/** Nobody bears it. */
const TAINT = "emufarm-test";

/** In this order: the quota lets no further pod in. */
const REFUSALS: readonly Refusal[] = [
  {
    name: "nowhere",
    what: "no node takes it",
    spec: { podTemplate: { nodeSelector: { "kubernetes.io/hostname": "nowhere" } } },
    reason: "Unschedulable",
    message: /0\/3 nodes are available: .*didn't match Pod's node affinity\/selector/,
    mend: (farm) => farm.patch("nowhere", { podTemplate: { nodeSelector: null } }),
  },
  {
    name: "tainted",
    what: "a taint keeps it from its node",
    spec: { podTemplate: { nodeSelector: { "kubernetes.io/hostname": TAINTED } } },
    prepare: ({ installed }) => installed.system.kubectl(["taint", "node", TAINTED, `${TAINT}=keep-off:NoSchedule`]),
    reason: "Unschedulable",
    message: /0\/3 nodes are available: .*1 node\(s\) had untolerated taint/,
    mend: ({ installed }) => installed.system.kubectl(["taint", "node", TAINTED, `${TAINT}-`]),
  },
  {
    name: "taken",
    what: "its Service's name is taken",
    spec: {},
    beside: [foreignService],
    reason: "ServiceNameTaken",
    message: /^A Service taken is there already and belongs to somebody else\./,
    mend: ({ installed }) => installed.boards.kubectl(["delete", "service/taken"]),
  },
  {
    name: "metadata",
    what: "its firmware is at a metadata service",
    spec: { firmware: { url: "http://169.254.169.254/latest/meta-data" } },
    reason: "FirmwareSourceRefused",
    message: /169\.254\.169\.254 is for the local link, where metadata services are\.$/,
  },
  {
    name: "private",
    what: "its firmware is at an address of the cluster",
    spec: { firmware: { url: "http://kubernetes.default.svc/api" } },
    reason: "FirmwareSourceRefused",
    message: /^The farm does not fetch firmware from http:\/\/kubernetes\.default\.svc\/api: /,
  },
  {
    name: "unknown-map",
    what: "its ConfigMap is not there",
    spec: { firmware: { configMap: { name: "nothing", key: "app.elf" } } },
    reason: "ConfigMapNotFound",
    message: /^There is no ConfigMap nothing in the namespace\.$/,
  },
  {
    name: "volume",
    what: "its volume is not there",
    spec: { storage: { persistentVolumeClaim: { claimName: "flash" } } },
    reason: "Unschedulable",
    message: /persistentvolumeclaim "flash" not found/,
  },
  {
    name: "over-quota",
    what: "the quota is used up",
    spec: {},
    beside: [quota("0")],
    reason: "Forbidden",
    message: /exceeded quota: few-pods, requested: pods=1, used: pods=\d+, limited: pods=0/,
    mend: ({ installed }) => installed.boards.kubectl(["delete", "resourcequota/few-pods"]),
  },
];

describeOnCluster("an instance that cannot be", "disruptive", (cluster) => {
  const given = useFaultyFarm(cluster);

  afterAll(async () => {
    const taints = await cluster.kubectl(["get", "node", TAINTED, "-o", "jsonpath={.spec.taints[*].key}"]);
    if (taints.includes(TAINT)) await cluster.kubectl(["taint", "node", TAINTED, `${TAINT}-`]);
  });

  test.each(REFUSALS)(
    "because $what says so",
    { timeout: TEST_MS },
    async ({ name, spec, beside = [], prepare, ...expected }) => {
      const { installed, apply, sight } = given();
      await prepare?.(given());
      for (const object of beside) await installed.boards.kubectl(["apply", "-f", "-"], JSON.stringify(object));
      await apply(name, { firmware: await inlineFirmware("metronome"), ...spec });
      const { status } = await sight.untilInstance(
        name,
        (seen) => conditionOf(seen, "Ready")?.reason === expected.reason,
        TOLD_MS,
      );
      expect(conditionOf(status, "Ready")).toMatchObject({
        status: "False",
        message: expect.stringMatching(expected.message),
      });
    },
  );

  test("is not tried again in a hurry", { timeout: TEST_MS }, async () => {
    const { sight } = given();
    const count = async () => ({
      podsAsked: await requests(cluster, /resource="pods".*verb="POST"/),
      statuses: await requests(cluster, /group="emufarm.dev".*verb="(APPLY|PATCH|PUT)"/),
    });
    const requestsMeanwhile = async () => {
      const before = await count();
      await sleep(QUIET_MS);
      const after = await count();
      return Math.max(after.podsAsked - before.podsAsked, after.statuses - before.statuses);
    };
    // Agents of those that were made last come up meanwhile, and are told of.
    await expect.poll(requestsMeanwhile, { timeout: 5 * QUIET_MS, interval: 0 }).toBeLessThanOrEqual(FEW);
    for (const { name } of REFUSALS) expect(sight.podsEver.get(name)?.size ?? 0).toBeLessThanOrEqual(1);
  });

  test.each(REFUSALS.filter(({ mend }) => mend).reverse())(
    "because $what is ready once that is over",
    { timeout: TEST_MS },
    async ({ name, mend }) => {
      const farm = given();
      await mend?.(farm);
      await using uart = await (await countingBoard(farm, name)).openUart();
      await uart.hear(3);
      await farm.installed.boards.kubectl(["delete", `emu/${name}`]);
    },
  );

  test("for want of its image says so, and is ready when there is one", { timeout: TEST_MS }, async () => {
    const farm = given();
    const { installed, sight } = farm;
    const none = `sha256:${"0".repeat(64)}`;
    await upgrade(farm, `image.digests.agent=${none}`);
    try {
      await farm.apply("no-image", { firmware: await inlineFirmware("metronome") });
      const isMissing = (reason?: string) => reason === "ErrImageNeverPull";
      const seen = await sight.untilInstance(
        "no-image",
        (status) => isMissing(conditionOf(status, "Ready")?.reason),
        TOLD_MS,
      );
      expect(conditionOf(seen.status, "Ready")?.message).toContain(`localhost/emufarm-agent@${none}`);
    } finally {
      await upgrade(farm, "image.digests.agent=");
    }
    // The pod that never was may be deleted by anybody.
    await installed.boards.kubectl(["delete", "pods", "-l", "emufarm.dev/instance=no-image"]);
    await countingBoard(farm, "no-image");
    await installed.boards.kubectl(["delete", "emu/no-image"]);
  });

  test("has its firmware from a ConfigMap, which changes, goes and comes back", { timeout: TEST_MS }, async () => {
    const farm = given();
    const { installed, sight, apply } = farm;
    const putMap = async (app: string) => {
      const binaryData = { "app.elf": (await inlineFirmware(app)).inline };
      const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "images" }, binaryData };
      await installed.boards.kubectl(["apply", "--server-side", "-f", "-"], JSON.stringify(object));
    };
    await putMap("ticker");
    await apply("mapped", { firmware: { configMap: { name: "images", key: "app.elf" } } });
    const first = await countingBoard(farm, "mapped");
    await putMap("metronome");
    const second = await sight.untilInstance(
      "mapped",
      (status) => isServing(status) && status.firmware?.sha256 !== first.status.firmware?.sha256,
    );
    // In the same pod.
    expect(second.status?.podName).toBe(first.status.podName);
    await using uart = await first.openUart();
    await uart.hear(10);
    // What the first guest had said comes first.
    const { gaps } = uart;

    await installed.boards.kubectl(["delete", "configmap/images"]);
    await sight.untilInstance("mapped", (status) => conditionOf(status, "Ready")?.reason === "ConfigMapNotFound");
    // What runs, runs on.
    await uart.hear(10);
    await putMap("metronome");
    const third = await countingBoard(farm, "mapped");
    await uart.hear(3);
    expect(uart.gaps).toEqual(gaps);
    expect(third.status).toMatchObject({ podName: first.status.podName, firmware: second.status?.firmware });
  });

  test("in a namespace that is deleted goes with it, and the farm goes on", { timeout: TEST_MS }, async () => {
    const { installed, partPods } = given();
    await cluster.kubectl(["delete", "namespace", installed.boards.name, "--timeout=180s"]);
    for (const { metadata, status } of await partPods("operator")) {
      const restarts = status?.containerStatuses?.map(({ restartCount }) => restartCount);
      expect({ name: metadata.name, restarts }).toEqual({ name: metadata.name, restarts: [0] });
    }
  });
});

function quota(pods: string) {
  return { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "few-pods" }, spec: { hard: { pods } } };
}

async function upgrade({ installed }: FaultyFarm, value: string): Promise<void> {
  await installed.helm("upgrade", "charts/emufarm", "--reuse-values", "--set", value);
  await installed.system.kubectl(["rollout", "status", "deployment/emufarm-operator", "--timeout=180s"]);
}

/** How many requests the API server has had whose labels fit. */
async function requests(
  cluster: { kubectl(args: readonly string[]): Promise<string> },
  labels: RegExp,
): Promise<number> {
  const metrics = await cluster.kubectl(["get", "--raw=/metrics"]);
  return metrics
    .split("\n")
    .filter((line) => line.startsWith("apiserver_request_total{") && labels.test(line))
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}
