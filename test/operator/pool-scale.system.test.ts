import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AgentClient } from "../../src/client/agent-client.ts";
import { FarmError } from "../../src/core/error/farm-error.ts";
import type { BoardSpec } from "../../src/core/schema/board.ts";
import type { EmulatorPoolStatus } from "../../src/core/schema/emulator-pool.ts";
import { API_VERSION } from "../../src/core/schema/metadata.ts";
import { POOLS } from "../../src/operator/kubernetes/kinds.ts";
import { boardSpecOf, exampleImage, sha256Of } from "../agent/attempt/agent-lab.ts";
import { noControlPlane } from "../cluster/control-plane.ts";
import { type OperatorLab, startOperatorLab } from "./operator-lab.ts";

const reason = noControlPlane();
const BOARD = "mps2-an385";
const POLL = { timeout: 90_000, interval: 200 };
const DISPATCHES = 200;
const AT_ONCE = 8;

describe.skipIf(reason)(`pools that are scaled${reason === undefined ? "" : ` (${reason})`}`, () => {
  let lab: OperatorLab;
  let board: BoardSpec;

  beforeAll(async () => {
    lab = await startOperatorLab();
    await lab.plane.kubectl("apply", "-f", join(process.cwd(), `manifests/boards/${BOARD}.yaml`));
    board = await boardSpecOf(BOARD);
    await lab.farm.putBoard({ apiVersion: API_VERSION, kind: "ClusterBoard", metadata: { name: BOARD }, spec: board });
  });

  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  const pool = (name: string, spec: object) => ({
    apiVersion: API_VERSION,
    kind: "EmulatorPool",
    metadata: { name, namespace: "default" },
    spec: { boards: [BOARD], ...spec },
  });

  async function untilPool(name: string, fits: (status: EmulatorPoolStatus, replicas: number) => boolean) {
    await expect
      .poll(async () => {
        const object = await lab.client.get(POOLS, name, "default");
        const status: EmulatorPoolStatus = object?.status ?? {};
        const { replicas = 1 } = (object?.spec ?? {}) as { replicas?: number };
        return status.observedGeneration === object?.metadata.generation && fits(status, replicas);
      }, POLL)
      .toBe(true);
  }

  const scalingOf = ({ conditions }: EmulatorPoolStatus) => conditions?.find(({ type }) => type === "ScalingActive");

  /** Jobs that nobody dispatches here. */
  async function submit(count: number): Promise<string> {
    const image = await exampleImage(BOARD, "hello");
    await lab.farm.uploadBytes(image);
    const jobs = Array.from({ length: count }, () => ({ board: BOARD, firmware: { sha256: sha256Of(image) } }));
    return (await lab.farm.submitRun({ jobs })).id;
  }

  test("agents come with jobs that wait, never more than allowed, and none stay when nothing is to do", async () => {
    await lab.apply(pool("queued", { replicas: 0, maxReplicas: 2, slotsPerPod: 1, scaleDownDelay: "1s" }));
    await untilPool("queued", (status, replicas) => replicas === 0 && scalingOf(status)?.status === "True");
    const run = await submit(3);
    await untilPool("queued", ({ ready }, replicas) => replicas === 2 && ready === 2);
    const budget = JSON.parse(await lab.plane.kubectl("get", "pdb", "queued", "-o", "json"));
    expect(budget.spec).toMatchObject({ maxUnavailable: 1, unhealthyPodEvictionPolicy: "AlwaysAllow" });
    await lab.farm.cancelRun(run, "the test has seen enough");
    await untilPool("queued", ({ replicas: present }, replicas) => replicas === 0 && present === 0);
    await lab.plane.kubectl("delete", "emupool", "queued");
  });

  test("who writes the scale sub-resource has the say, until the manifest takes it back", async () => {
    const spec = { maxReplicas: 3, slotsPerPod: 1, scaleDownDelay: "1s" };
    await lab.apply(pool("scaled", { ...spec, replicas: 0 }));
    await untilPool("scaled", (status) => scalingOf(status)?.status === "True");
    await lab.plane.kubectl("scale", "emupool/scaled", "--replicas=1");
    await untilPool(
      "scaled",
      (status, replicas) => replicas === 1 && scalingOf(status)?.reason === "ScaledElsewhere" && status.ready === 1,
    );
    await lab.apply(pool("scaled", { ...spec, replicas: 2 }));
    await untilPool("scaled", (status, replicas) => replicas === 0 && scalingOf(status)?.status === "True");
    await lab.plane.kubectl("delete", "emupool", "scaled");
  });

  test("not one of 200 dispatches is cut while eight agents become one", { timeout: 400_000 }, async () => {
    await lab.apply(pool("racing", { replicas: 8, slotsPerPod: 1 }));
    await untilPool("racing", ({ ready }) => ready === 8);
    const uids = (
      await lab.plane.kubectl("get", "pods", "-l", "emufarm.dev/pool=racing", "-o", "jsonpath={.items[*].metadata.uid}")
    ).split(" ");
    const image = await exampleImage(BOARD, "hello");
    const sha256 = sha256Of(image);
    await using agents = new AsyncDisposableStack();
    const clients = await Promise.all(uids.map((uid) => lab.kubelet.clientOf(uid)));
    const present = new Set(clients.map((client) => agents.use(client)));
    await Promise.all([...present].map((agent) => agent.putFirmware(sha256, image)));
    const verdicts: string[] = [];
    let begun = 0;

    /** As the dispatcher does: whoever takes it runs it to its end, and keeps the result until that is fetched. */
    async function dispatch(): Promise<void> {
      while (begun < DISPATCHES) {
        begun += 1;
        const id = `r0-${String(begun).padStart(6, "0")}.1`;
        if (begun === DISPATCHES / 4) await lab.plane.kubectl("scale", "emupool/racing", "--replicas=1");
        const agent = await handOut(id);
        await expect.poll(async () => (await agent.attempt(id)).state, { timeout: 120_000 }).toBe("finished");
        verdicts.push((await agent.attempt(id)).result?.verdict ?? "none");
        await agent.acknowledge([id]);
      }
    }

    async function handOut(id: string): Promise<AgentClient> {
      const spec = { tenant: "test", boardName: BOARD, board, firmware: { sha256 } };
      for (;;) {
        for (const agent of present) {
          try {
            await agent.putAttempt(id, spec);
            return agent;
          } catch (error) {
            const { code } = FarmError.from(error);
            // One that has gone had nothing of ours: a later look at an attempt of it would fail.
            if (code === "AgentLost") present.delete(agent);
            else if (code !== "NoFreeSlot" && code !== "Draining") throw error;
          }
        }
        // Agents tell of free slots on their event streams; a test may ask again.
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }

    await Promise.all(Array.from({ length: AT_ONCE }, dispatch));
    expect(verdicts).toEqual(Array.from({ length: DISPATCHES }, () => "passed"));
    await untilPool("racing", ({ replicas }) => replicas === 1);
    expect(lab.kubelet.failures).toEqual([]);
  });
});
