import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EmulatorPoolStatus } from "../../src/core/schema/emulator-pool.ts";
import { API_VERSION } from "../../src/core/schema/metadata.ts";
import { POOLS } from "../../src/operator/kubernetes/kinds.ts";
import { boardSpecOf, ENDLESS, exampleImage, sha256Of } from "../agent/attempt/agent-lab.ts";
import { noControlPlane } from "../cluster/control-plane.ts";
import { type OperatorLab, startOperatorLab } from "./operator-lab.ts";

const reason = noControlPlane();
/** Counts of slots are told each half minute. */
const POLL = { timeout: 90_000, interval: 200 };
/** Statuses are paced, agents replaced one after another, and what they are at is asked for twice a minute. */
const PATIENT = { timeout: 400_000 };

describe.skipIf(reason)(`a pool on an API server${reason === undefined ? "" : ` (${reason})`}`, () => {
  let lab: OperatorLab;

  beforeAll(async () => {
    lab = await startOperatorLab();
    await lab.plane.kubectl("apply", "-f", join(process.cwd(), "manifests/boards/mps2-an385.yaml"));
  });

  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  const pool = (spec: object) => ({
    apiVersion: API_VERSION,
    kind: "EmulatorPool",
    metadata: { name: "warm", namespace: "default" },
    spec: { boards: ["mps2-an385"], slotsPerPod: 2, ...spec },
  });

  async function untilPool(fits: (status: EmulatorPoolStatus) => boolean): Promise<EmulatorPoolStatus> {
    let status: EmulatorPoolStatus = {};
    await expect
      .poll(async () => {
        const object = await lab.client.get(POOLS, "warm", "default");
        status = object?.status ?? {};
        return status.observedGeneration === object?.metadata.generation && fits(status);
      }, POLL)
      .toBe(true);
    return status;
  }

  const pods = async () =>
    JSON.parse(await lab.plane.kubectl("get", "pods", "-l", "emufarm.dev/pool=warm", "-o", "json")).items as {
      metadata: { name: string; uid: string };
      spec: { containers: { image: string; resources: { requests: Record<string, string> } }[] };
    }[];
  const uids = async () => (await pods()).map(({ metadata }) => metadata.uid);
  const isReplaced = ({ updated, ready, replicas, draining, conditions }: EmulatorPoolStatus) =>
    updated === 2 && ready === 2 && replicas === 2 && draining === 0 && conditions?.[0]?.status === "True";

  test("its agents come, go when they have nothing to do, and stay while they have", PATIENT, async () => {
    await lab.apply(pool({ replicas: 3 }));
    const status = await untilPool(({ slots }) => slots === 6);
    expect(status).toMatchObject({ replicas: 3, ready: 3, updated: 3, selector: "emufarm.dev/pool=warm" });
    const before = await pods();
    expect(before).toHaveLength(3);

    // One agent is at work: the two others go, though it is the oldest or the youngest.
    const [busy] = before;
    const agent = await lab.kubelet.clientOf(busy?.metadata.uid ?? "");
    const image = await exampleImage("mps2-an385", "shell");
    await agent.putFirmware(sha256Of(image), image);
    const spec = { tenant: "test", boardName: "mps2-an385", board: await boardSpecOf("mps2-an385") };
    await agent.putAttempt("r0-000000.1", { ...spec, firmware: { sha256: sha256Of(image) }, ...ENDLESS });
    // An agent that has just begun may be chosen all the same, and is waited for; the test wants the usual case.
    await untilPool(({ allocated }) => allocated === 1);
    await lab.plane.kubectl("scale", "emupool/warm", "--replicas=1");
    await untilPool(({ replicas, ready }) => replicas === 1 && ready === 1);
    // A pod that has been asked to go is no replica any more.
    await expect.poll(uids, POLL).toEqual([busy?.metadata.uid]);

    // To none: it finishes, tells its result, and only then goes.
    await lab.plane.kubectl("scale", "emupool/warm", "--replicas=0");
    await untilPool(({ draining }) => draining === 1);
    await expect(
      agent.putAttempt("r0-000001.1", { ...spec, firmware: { sha256: sha256Of(image) } }),
    ).rejects.toMatchObject({ code: "Draining" });
    await agent.cancelAttempt("r0-000000.1", "the test is over");
    await expect.poll(async () => (await agent.attempt("r0-000000.1")).state).toBe("finished");
    expect(await pods()).toHaveLength(1);
    await agent.acknowledge(["r0-000000.1"]);
    await untilPool(({ replicas }) => replicas === 0);
    await expect.poll(pods, POLL).toEqual([]);
    await agent[Symbol.asyncDispose]();
  });

  test("another template replaces its agents one by one", PATIENT, async () => {
    await lab.apply(pool({ replicas: 2 }));
    await untilPool(({ ready }) => ready === 2);
    const before = await uids();
    await lab.apply(pool({ replicas: 2, podTemplate: { labels: { team: "lab" } } }));
    const status = await untilPool(isReplaced);
    expect(status).toMatchObject({ slots: 4 });
    await expect.poll(async () => (await uids()).filter((uid) => before.includes(uid)), POLL).toEqual([]);
    expect(lab.kubelet.failures).toEqual([]);
  });

  test("another image of the agent replaces them, too", PATIENT, async () => {
    await lab.apply(pool({ replicas: 2 }));
    await untilPool(isReplaced);
    const before = await uids();
    await lab.operator?.[Symbol.asyncDispose]();
    lab.operator = await lab.startOperator({ EMUFARM_OPERATOR_AGENT_IMAGE: "emufarm-agent:next" });
    // The status of before says the same until the new leader has looked.
    await expect.poll(async () => (await uids()).filter((uid) => before.includes(uid)), POLL).toEqual([]);
    await untilPool(isReplaced);
    expect((await pods()).map(({ spec }) => spec.containers[0]?.image)).toEqual([
      "emufarm-agent:next",
      "emufarm-agent:next",
    ]);
    expect(lab.kubelet.failures).toEqual([]);
  });

  test("a board that changes replaces them where it needs more than they have, and only then", PATIENT, async () => {
    const board = await boardSpecOf("mps2-an385");
    const apply = (name: string, spec: object) =>
      lab.apply({ apiVersion: API_VERSION, kind: "ClusterBoard", metadata: { name }, spec });
    await apply("changing", board);
    const boards = ["mps2-an385", "changing"];
    await lab.apply(pool({ replicas: 2, boards }));
    await untilPool(isReplaced);
    const before = await uids();

    await apply("changing", { ...board, title: "Another title", uarts: board.uarts.slice(0, 1) });
    // The operator has looked at the pool after the change of the board.
    await lab.apply(pool({ replicas: 2, boards, drainTimeout: "2h" }));
    await untilPool(isReplaced);
    expect((await uids()).toSorted()).toEqual(before.toSorted());

    // More CPUs than the other one, and less memory.
    await apply("changing", { ...board, overheadMiB: 64, emulator: { ...board.emulator, cpus: 3 } });
    await expect.poll(async () => (await uids()).filter((uid) => before.includes(uid)), POLL).toEqual([]);
    await untilPool(isReplaced);
    const memory = `${160 + (24 + board.overheadMiB) * 2}Mi`;
    for (const { spec } of await pods()) {
      expect(spec.containers[0]?.resources.requests).toEqual({ cpu: "600m", memory });
    }
    expect(lab.kubelet.failures).toEqual([]);
  });

  test("the board that they run tells which emulator they have", async () => {
    await lab.plane.kubectl("wait", "--for=condition=Ready", "clusterboard/mps2-an385", "--timeout=60s");
    const binary = await lab.plane.kubectl(
      "get",
      "clusterboard",
      "mps2-an385",
      "-o",
      "jsonpath={.status.emulator.binary}",
    );
    expect(binary).toBe("qemu-system-arm");
  });
});
