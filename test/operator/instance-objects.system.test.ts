import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EmulatorInstanceStatus } from "../../src/core/schema/emulator-instance-status.ts";
import { API_VERSION } from "../../src/core/schema/metadata.ts";
import { type Pod, SERVICES, type Service } from "../../src/operator/kubernetes/kinds.ts";
import { boardSpecOf, exampleImage, sha256Of } from "../agent/attempt/agent-lab.ts";
import { noControlPlane } from "../cluster/control-plane.ts";
import { type OperatorLab, startOperatorLab } from "./operator-lab.ts";

const reason = noControlPlane();
const EXAMPLE = join(process.cwd(), "manifests/examples/instance-on-its-own-cpu.yaml");
const NEXT_IMAGE = "emufarm-agent:next";

const conditionOf = (status: EmulatorInstanceStatus, type: string) =>
  status.conditions?.find((one) => one.type === type);
const isReady = (status: EmulatorInstanceStatus) => conditionOf(status, "Ready")?.status === "True";
const isOutdated = (status: EmulatorInstanceStatus) => conditionOf(status, "Outdated")?.status === "True";

describe.skipIf(reason)(`an instance and what belongs to it${reason === undefined ? "" : ` (${reason})`}`, () => {
  let lab: OperatorLab;
  let shell: string;

  beforeAll(async () => {
    lab = await startOperatorLab();
    await lab.plane.kubectl("apply", "-f", join(process.cwd(), "manifests/boards/mps2-an385.yaml"));
    const image = await exampleImage("mps2-an385", "shell");
    await lab.farm.uploadBytes(image);
    shell = sha256Of(image);
  });

  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  const apply = (name: string, spec: object) =>
    lab.apply({
      apiVersion: API_VERSION,
      kind: "EmulatorInstance",
      metadata: { name, namespace: "default" },
      spec: { board: "mps2-an385", firmware: { artifact: shell }, ...spec },
    });
  const applyBoard = (name: string, spec: object) =>
    lab.apply({ apiVersion: API_VERSION, kind: "ClusterBoard", metadata: { name }, spec });
  const podUid = async (name: string) => (await lab.podsOf(name))[0]?.metadata.uid;

  describe("under which its board or the agent's image has changed", () => {
    const KEPT = { board: "aging", updatePolicy: "OnDelete" };
    const LATER = { board: "aging", updatePolicy: "WhenIdle" };

    /** Both are told as outdated, and run on in the pods that they have. */
    async function expectOutdated(uids: readonly (string | undefined)[]): Promise<void> {
      const kept = await lab.untilInstance("kept", isOutdated);
      const later = await lab.untilInstance("later", isOutdated);
      expect(conditionOf(kept.status as EmulatorInstanceStatus, "Outdated")).toMatchObject({
        reason: "Changed",
        message: expect.stringContaining("Delete the pod to get a new one."),
      });
      expect(conditionOf(later.status as EmulatorInstanceStatus, "Outdated")).toMatchObject({
        reason: "Changed",
        message: expect.stringContaining("It is replaced when nobody uses it."),
      });
      expect([kept, later].map(({ status }) => isReady(status as EmulatorInstanceStatus))).toEqual([true, true]);
      expect(await Promise.all(["kept", "later"].map(podUid))).toEqual(uids);
    }

    test("is Outdated, and gets its new pod as its updatePolicy says", async () => {
      const board = await boardSpecOf("mps2-an385");
      await applyBoard("aging", board);
      await apply("kept", KEPT);
      await apply("later", LATER);
      for (const name of ["kept", "later"]) {
        await lab.untilInstance(name, (status) => isReady(status) && !isOutdated(status));
      }
      const before = await Promise.all(["kept", "later"].map(podUid));
      await applyBoard("aging", { ...board, title: "The same board, told of in other words" });
      await expectOutdated(before);

      // Off, it loses nothing with its pod.
      await apply("later", { ...LATER, power: "Off" });
      const later = await lab.untilInstance("later", (status) => isReady(status) && !isOutdated(status));
      expect(later.status).toMatchObject({ phase: "PoweredOff", board: { generation: 2 } });
      const renewed = await podUid("later");
      expect(renewed).not.toBe(before[1]);

      await apply("kept", { ...KEPT, power: "Off" });
      await lab.untilInstance("kept", ({ phase }) => phase === "PoweredOff");
      await apply("kept", KEPT);
      await lab.untilInstance("kept", (status) => isReady(status) && status.phase === "Running");
      expect(await podUid("kept")).toBe(before[0]);
      const [pod] = await lab.podsOf("kept");
      await lab.plane.kubectl("delete", "pod", pod?.metadata.name ?? "", "--wait=false");
      const kept = await lab.untilInstance("kept", (status) => isReady(status) && !isOutdated(status));
      expect(kept.status).toMatchObject({ board: { generation: 2 } });
      expect(await podUid("kept")).not.toBe(before[0]);
    });

    test("is Outdated by another image of the agent, too", async () => {
      await apply("later", LATER);
      await lab.untilInstance("later", (status) => isReady(status) && status.phase === "Running");
      const before = await Promise.all(["kept", "later"].map(podUid));
      await lab.operator?.[Symbol.asyncDispose]();
      lab.operator = await lab.startOperator({ EMUFARM_OPERATOR_AGENT_IMAGE: NEXT_IMAGE });
      await expectOutdated(before);
      await apply("later", { ...LATER, power: "Off" });
      await lab.untilInstance("later", (status) => isReady(status) && !isOutdated(status));
      const [pod] = await lab.podsOf("later");
      expect(containerOf(pod)?.image).toBe(NEXT_IMAGE);
      expect(lab.kubelet.failures).toEqual([]);
      await lab.plane.kubectl("delete", "emu", "kept", "later");
    });
  });

  test("has a Service of each kind that it asks for, in turn, in the pod that runs", async () => {
    const service = () => lab.client.get(SERVICES, "served", "default");
    const become = async (expose: string, fits: (found: Service | undefined) => boolean): Promise<Service> => {
      await apply("served", { expose });
      await expect.poll(async () => fits(await service())).toBe(true);
      const generation = Number(
        await lab.plane.kubectl("get", "emu", "served", "-o", "jsonpath={.metadata.generation}"),
      );
      await lab.untilInstance("served", (status) => isReady(status) && status.observedGeneration === generation);
      return (await service()) ?? ({ metadata: {} } as Service);
    };
    const isHeadless = (found: Service | undefined) => found?.spec?.clusterIP === "None";

    const headless = await become("Headless", isHeadless);
    const pod = await podUid("served");
    expect(headless.spec).toMatchObject({ type: "ClusterIP", publishNotReadyAddresses: true });

    // A cluster address cannot be given to a Service that has none: it is made anew.
    const addressed = await become("ClusterIP", (found) => found !== undefined && !isHeadless(found));
    expect(addressed.metadata.uid).not.toBe(headless.metadata.uid);
    const onNodes = await become("NodePort", (found) => found?.spec?.type === "NodePort");
    expect(onNodes.spec?.ports).toEqual([expect.objectContaining({ name: "http", nodePort: expect.any(Number) })]);
    const inside = await become("ClusterIP", (found) => found?.spec?.type === "ClusterIP");
    expect([onNodes, inside].map(({ metadata }) => metadata.uid)).toEqual(Array(2).fill(addressed.metadata.uid));
    expect(inside.spec?.ports?.[0]).not.toHaveProperty("nodePort");

    await become("None", (found) => found === undefined);
    expect(lab.instance("served")?.status).not.toHaveProperty("address");
    const again = await become("Headless", isHeadless);
    expect(again.metadata.uid).not.toBe(headless.metadata.uid);
    expect(await podUid("served")).toBe(pod);
    await lab.plane.kubectl("delete", "emu", "served");
  });

  test("has a CPU of its own and a device where its template asks for them, as the example does", async () => {
    const example = await lab.plane.kubectl("create", "--dry-run=client", "-o", "json", "-f", EXAMPLE);
    const { podTemplate } = (JSON.parse(example) as { spec: { podTemplate: { resources: { limits: object } } } }).spec;
    const podWith = async (name: string, spec: object) => {
      await apply(name, spec);
      await lab.untilInstance(name, isReady);
      const [pod] = await lab.podsOf(name);
      const { qosClass } = (pod?.status ?? {}) as { qosClass?: string };
      return { qosClass, resources: containerOf(pod)?.resources };
    };
    const memory = "376Mi";
    expect(await podWith("shared", {})).toEqual({
      qosClass: "Burstable",
      resources: { requests: { cpu: "100m", memory }, limits: { memory } },
    });
    expect(await podWith("alone", { podTemplate })).toEqual({
      qosClass: "Guaranteed",
      resources: { requests: { cpu: "1", memory }, limits: { cpu: "1", memory } },
    });
    const { resources } = podTemplate;
    const limits = { ...resources.limits, "devices.kubevirt.io/kvm": "1" };
    expect(await podWith("with-kvm", { podTemplate: { resources: { ...resources, limits } } })).toEqual({
      qosClass: "Guaranteed",
      resources: {
        requests: { cpu: "1", memory, "devices.kubevirt.io/kvm": "1" },
        limits: { cpu: "1", memory, "devices.kubevirt.io/kvm": "1" },
      },
    });
    await lab.plane.kubectl("delete", "emu", "shared", "alone", "with-kvm");
  });

  test("tells of it by Events, as its board and a pool do", async () => {
    const described = (what: string) => expect.poll(() => lab.plane.kubectl("describe", what));
    await apply("told", {});
    await lab.untilInstance("told", isReady);
    const [pod] = await lab.podsOf("told");
    await described("emu/told").toMatch(toldAs("Normal", "PodCreated", `Created pod ${pod?.metadata.name}.`));
    await described("emu/told").toMatch(toldAs("Normal", "Running"));
    await apply("told", { firmware: { artifact: "0".repeat(64) } });
    await described("emu/told").toMatch(toldAs("Warning", "FirmwareUnknown"));

    const board = await boardSpecOf("mps2-an385");
    await described("clusterboard/mps2-an385").toMatch(toldAs("Normal", "Available", "of the farm's agents runs it"));
    await applyBoard("too-new", { ...board, emulator: { ...board.emulator, minVersion: "99.0" } });
    await described("clusterboard/too-new").toMatch(toldAs("Warning", String.raw`\w+`, "qemu-system-arm"));

    await lab.apply({
      apiVersion: API_VERSION,
      kind: "EmulatorPool",
      metadata: { name: "told", namespace: "default" },
      spec: { boards: ["mps2-an385"], replicas: 1, slotsPerPod: 1 },
    });
    await described("emupool/told").toMatch(toldAs("Normal", "AsAsked", "1 of 1 agents of the present spec serve"));
    await lab.plane.kubectl("delete", "emupool/told", "emu/told");
  });
});

function containerOf(pod: Pod | undefined) {
  const containers = (pod?.spec?.containers ?? []) as readonly { image: string; resources: object }[];
  return containers[0];
}

/** A line among the Events of what kubectl describes. */
function toldAs(type: string, reason: string, note = ""): RegExp {
  return new RegExp(String.raw`Events:[\s\S]*\s${type}\s+${reason}\s.*emufarm.dev/operator\s.*${note}`);
}
