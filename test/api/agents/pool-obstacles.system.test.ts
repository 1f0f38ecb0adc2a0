import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { createPoolObstacles } from "../../../src/api/agents/pool-obstacles.ts";
import { createKubeClient } from "../../../src/kube/create-kube-client.ts";
import { createKubeMetrics } from "../../../src/kube/kube-metrics.ts";
import { createLog } from "../../../src/log/log.ts";
import { noControlPlane, startControlPlane } from "../../cluster/control-plane.ts";

const reason = noControlPlane();
const log = createLog({ name: "test", level: "silent" });
const TAINTED = "0 of 1 agents of the present spec serve. 0/3 nodes are available: 3 node(s) had untolerated taint.";
/** Reason and message of each pool's Ready condition. */
const POOLS = {
  held: ["Unschedulable", TAINTED],
  starting: ["Progressing", "0 of 1 agents of the present spec serve."],
} as const;

test.skipIf(reason)(
  `pools that get no agents say why, those that only start do not${reason === undefined ? "" : ` (${reason})`}`,
  async () => {
    await using resources = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), "emu-pools-"));
    resources.defer(() => rm(folder, { recursive: true }));
    const file = join(folder, "pool.json");
    const plane = resources.use(await startControlPlane({ hasDefinitions: true }));
    const spec = { boards: ["mps2-an385"], replicas: 1, slotsPerPod: 1 };
    for (const [name, [why, message]] of Object.entries(POOLS)) {
      const pool = { apiVersion: "emufarm.dev/v1alpha1", kind: "EmulatorPool", metadata: { name }, spec };
      await writeFile(file, JSON.stringify(pool));
      await plane.kubectl("create", "-f", file);
      const lastTransitionTime = "2026-01-01T00:00:00Z";
      const conditions = [{ type: "Ready", status: "False", reason: why, message, lastTransitionTime }];
      const status = JSON.stringify({ status: { conditions } });
      await plane.kubectl("patch", "emupool", name, "--subresource=status", "--type=merge", "-p", status);
    }
    const metrics = createKubeMetrics(new Registry());
    await using client = createKubeClient({ source: { kubeconfigFile: plane.kubeconfig }, metrics, userAgent: "test" });
    const said = [`pool held in namespace default: ${TAINTED}`];
    expect(await createPoolObstacles({ client, namespaces: [], log })()).toEqual(said);
    expect(await createPoolObstacles({ client, namespaces: ["default"], log })()).toEqual(said);
    expect(await createPoolObstacles({ client, namespaces: ["elsewhere"], log })()).toEqual([]);
  },
);

test("where the cluster does not answer, a job waits without a reason of the cluster", async () => {
  const client = {
    list: async () => {
      throw new Error("no route to host");
    },
  };
  expect(await createPoolObstacles({ client, namespaces: [], log })()).toEqual([]);
});
