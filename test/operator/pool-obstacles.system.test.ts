import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPoolObstacles } from "../../src/api/agents/pool-obstacles.ts";
import { API_VERSION } from "../../src/core/schema/metadata.ts";
import { createLog } from "../../src/log/log.ts";
import { PODS } from "../../src/operator/kubernetes/kinds.ts";
import { noControlPlane } from "../cluster/control-plane.ts";
import { type OperatorLab, startOperatorLab } from "./operator-lab.ts";

const reason = noControlPlane();
const log = createLog({ name: "test", level: "silent" });
const NO_IMAGE = 'Back-off pulling image "emufarm-agent:test"';

describe.skipIf(reason)(`pools without agents, and jobs that wait for them${reason ? ` (${reason})` : ""}`, () => {
  let lab: OperatorLab;

  beforeAll(async () => {
    lab = await startOperatorLab();
    // Nobody starts an agent here: the test says of pods what a node would.
    await lab.kubelet[Symbol.asyncDispose]();
    await lab.plane.kubectl("apply", "-f", join(process.cwd(), "manifests/boards/mps2-an385.yaml"));
  });

  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  const applyPool = (namespace: string, podTemplate: object = {}) =>
    lab.apply({
      apiVersion: API_VERSION,
      kind: "EmulatorPool",
      metadata: { name: "default", namespace },
      spec: { boards: ["mps2-an385"], replicas: 1, slotsPerPod: 1, podTemplate },
    });
  const makeNamespace = (name: string) => lab.plane.kubectl("create", "namespace", name);
  /** What jobs that wait say of pools in this namespace. */
  const obstacles = async (namespace: string) =>
    (await createPoolObstacles({ client: lab.client, namespaces: [namespace], log })()).join("; ");
  const expectObstacle = (namespace: string) => expect.poll(() => obstacles(namespace), { interval: 200 });

  test("say that their image cannot be pulled, in the node's words", async () => {
    await makeNamespace("no-image");
    await applyPool("no-image");
    await expect.poll(async () => (await lab.client.list(PODS, { namespace: "no-image" })).items.length).toBe(1);
    expect(await obstacles("no-image")).toBe("");
    const [pod] = (await lab.client.list(PODS, { namespace: "no-image" })).items;
    const waiting = { reason: "ImagePullBackOff", message: NO_IMAGE };
    const container = { name: "agent", image: "", imageID: "", ready: false, restartCount: 0, state: { waiting } };
    const status = { phase: "Pending", containerStatuses: [container] };
    await lab.client.patch(PODS, pod?.metadata.name ?? "", "no-image", { status }, { subresource: "status" });
    await expectObstacle("no-image").toBe(
      `pool default in namespace no-image: 0 of 1 agents of the present spec serve. ${NO_IMAGE}`,
    );
  });

  test("say that the quota is used up, in the API server's words", async () => {
    await makeNamespace("no-quota");
    await lab.plane.kubectl("create", "quota", "few-pods", "--hard=pods=0", "-n", "no-quota");
    // As the cluster's controller counts.
    const status = JSON.stringify({ status: { hard: { pods: "0" }, used: { pods: "0" } } });
    const patch = ["--subresource=status", "--type=merge", "-p", status];
    await lab.plane.kubectl("patch", "quota", "few-pods", "-n", "no-quota", ...patch);
    await applyPool("no-quota");
    await expectObstacle("no-quota").toMatch(
      /^pool default in namespace no-quota: 0 of 1 agents of the present spec serve\. .*exceeded quota: few-pods, requested: pods=1, used: pods=0, limited: pods=0$/,
    );
    expect((await lab.client.list(PODS, { namespace: "no-quota" })).items).toEqual([]);
  });

  test("say that Pod Security refuses their pods, in its words", async () => {
    await makeNamespace("strict");
    await lab.plane.kubectl("label", "namespace", "strict", "pod-security.kubernetes.io/enforce=restricted");
    const annotations = { "container.apparmor.security.beta.kubernetes.io/agent": "unconfined" };
    await applyPool("strict", { annotations });
    await expectObstacle("strict").toMatch(
      /^pool default in namespace strict: 0 of 1 agents of the present spec serve\. .*violates PodSecurity "restricted:latest": forbidden AppArmor profile/,
    );
    // What is let in brings its agent about by itself.
    await applyPool("strict");
    await expect.poll(async () => (await lab.client.list(PODS, { namespace: "strict" })).items.length).toBe(1);
    await expectObstacle("strict").toBe("");
  });
});
