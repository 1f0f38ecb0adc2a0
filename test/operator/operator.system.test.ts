import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { EmulatorInstanceStatus } from "../../src/core/schema/emulator-instance-status.ts";
import { API_VERSION } from "../../src/core/schema/metadata.ts";
import { exampleImage, readUntil, sha256Of } from "../agent/attempt/agent-lab.ts";
import { noControlPlane } from "../cluster/control-plane.ts";
import { type OperatorLab, startOperatorLab } from "./operator-lab.ts";

const reason = noControlPlane();

function manifest(name: string, spec: object): object {
  return {
    apiVersion: API_VERSION,
    kind: "EmulatorInstance",
    metadata: { name, namespace: "default" },
    spec: { board: "mps2-an385", ...spec },
  };
}

const ready = (status: EmulatorInstanceStatus) => status.conditions?.find(({ type }) => type === "Ready");
const isReady = (status: EmulatorInstanceStatus) => ready(status)?.status === "True";

describe.skipIf(reason)(`an operator on an API server${reason === undefined ? "" : ` (${reason})`}`, () => {
  let lab: OperatorLab;
  let shell: string;
  let hello: string;

  beforeAll(async () => {
    lab = await startOperatorLab();
    await lab.plane.kubectl("apply", "-f", join(process.cwd(), "manifests/boards/mps2-an385.yaml"));
    const images = await Promise.all(["shell", "hello"].map((app) => exampleImage("mps2-an385", app)));
    for (const image of images) await lab.farm.uploadBytes(image);
    [shell = "", hello = ""] = images.map(sha256Of);
  });

  // A guest that nobody needs any more takes its share of the machine.
  afterEach(async () => {
    await lab.plane.kubectl("delete", "emu", "--all");
    await vi.waitFor(async () => expect(await lab.kubelet.emulators()).toEqual([]), { timeout: 60_000, interval: 100 });
  }, 120_000);

  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  test("an applied instance becomes a pod, a service and a board that runs, and its status says where", async () => {
    await lab.apply(manifest("thread", { firmware: { artifact: shell }, channels: [{ name: "uart0", tcp: true }] }));
    const object = await lab.untilInstance("thread", isReady);
    const [pod, ...others] = await lab.podsOf("thread");
    expect(others).toEqual([]);
    expect(object.status).toMatchObject({
      phase: "Running",
      observedGeneration: 1,
      address: "thread.default.svc",
      endpoints: [
        { name: "uart0", port: 5_000 },
        { name: "http", port: 8_080 },
      ],
      board: { kind: "ClusterBoard", name: "mps2-an385" },
      firmware: { sha256: shell, format: "elf" },
      podName: pod?.metadata.name,
      nodeName: "stand-in",
      storage: "Ephemeral",
    });
    for (const type of ["Scheduled", "FirmwareLoaded", "EmulatorRunning", "AgentConnected"]) {
      const condition = (object.status as EmulatorInstanceStatus).conditions?.find((one) => one.type === type);
      expect(condition, type).toMatchObject({ status: "True" });
    }
    const podAddress = () =>
      lab.plane.kubectl("get", "pod", pod?.metadata.name ?? "", "-o", "jsonpath={.status.podIP}");
    const service = await lab.plane.kubectl("get", "service", "thread", "-o", "json");
    expect(JSON.parse(service).spec).toMatchObject({ type: "ClusterIP", publishNotReadyAddresses: true });
    expect(await lab.kubelet.emulators()).toHaveLength(1);
    const socket = connect({ port: 5_000, host: await podAddress() });
    socket.write("echo by the raw port\n");
    await readUntil(socket as AsyncIterable<Buffer>, "by the raw port");
    socket.destroy();
    expect(lab.kubelet.failures).toEqual([]);
  });

  const podUid = async (name: string) => (await lab.podsOf(name))[0]?.metadata.uid;
  const conditionOf = (status: EmulatorInstanceStatus, type: string) =>
    status.conditions?.find((one) => one.type === type);

  test("firmware, pause, power and reset are changed in the pod that runs", async () => {
    await lab.apply(manifest("inplace", { firmware: { artifact: shell } }));
    await lab.untilInstance("inplace", isReady);
    const uid = await podUid("inplace");
    const next = async (spec: object, fits: (status: EmulatorInstanceStatus) => boolean) => {
      await lab.apply(manifest("inplace", spec));
      const generation = Number(
        await lab.plane.kubectl("get", "emu", "inplace", "-o", "jsonpath={.metadata.generation}"),
      );
      return lab.untilInstance("inplace", (status) => status.observedGeneration === generation && fits(status));
    };
    const changed = await next({ firmware: { artifact: hello } }, (status) => status.firmware?.sha256 === hello);
    expect((changed.status as EmulatorInstanceStatus).conditions?.[1]).toBeDefined();
    await next({ firmware: { artifact: shell } }, isReady);
    const paused = await next({ firmware: { artifact: shell }, paused: true }, isReady);
    expect(paused.status).toMatchObject({ phase: "Paused" });
    expect(ready(paused.status as EmulatorInstanceStatus)).toMatchObject({ reason: "Paused" });
    const off = await next({ firmware: { artifact: shell }, power: "Off" }, isReady);
    expect(off.status).toMatchObject({ phase: "PoweredOff" });
    const on = await next({ firmware: { artifact: shell }, resetCount: 1 }, isReady);
    expect(on.status).toMatchObject({ phase: "Running" });
    expect(await podUid("inplace")).toBe(uid);
  });

  test("a new leader changes nothing: no board, no status", async () => {
    await lab.apply(manifest("calm", { firmware: { artifact: shell } }));
    const before = await lab.untilInstance("calm", isReady);
    const emulators = await lab.kubelet.emulators();
    await lab.operator?.[Symbol.asyncDispose]();
    // An agent that is slow to answer the new leader is not lost.
    lab.operator = await lab.startOperator({ EMUFARM_OPERATOR_AGENT_LOSS_MS: "60000" });
    // Something that the new leader does, after it has looked at everything.
    await lab.apply(manifest("after", { firmware: { artifact: shell } }));
    await lab.untilInstance("after", isReady);
    expect(await lab.kubelet.emulators()).toEqual(expect.arrayContaining(emulators));
    expect(lab.instance("calm")?.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
    await lab.plane.kubectl("delete", "emu", "after");
  });

  test("a pod that is deleted is followed by another, at the same address, and the status tells why", async () => {
    await lab.apply(manifest("replaced", { firmware: { artifact: shell } }));
    await lab.untilInstance("replaced", isReady);
    const [pod] = await lab.podsOf("replaced");
    const service = await lab.plane.kubectl("get", "service", "replaced", "-o", "jsonpath={.metadata.uid}");
    await lab.plane.kubectl("delete", "pod", pod?.metadata.name ?? "", "--wait=false");
    const again = await lab.untilInstance(
      "replaced",
      (status) => isReady(status) && status.podName !== undefined && status.podName !== pod?.metadata.name,
    );
    expect(again.status).toMatchObject({ lastExit: { reason: "EmulatorKilled" }, firmware: { sha256: shell } });
    expect(await lab.podsOf("replaced")).toHaveLength(1);
    expect(await lab.plane.kubectl("get", "service", "replaced", "-o", "jsonpath={.metadata.uid}")).toBe(service);
  });

  test("a foreign service of the instance's name is left alone, and told of", async () => {
    await lab.plane.kubectl("create", "service", "clusterip", "taken", "--tcp=80:80");
    await lab.apply(manifest("taken", { firmware: { artifact: shell } }));
    const object = await lab.untilInstance("taken", (status) => ready(status)?.reason === "ServiceNameTaken");
    expect(object.status).not.toHaveProperty("address");
    const ports = await lab.plane.kubectl("get", "service", "taken", "-o", "jsonpath={.spec.ports[*].port}");
    expect(ports).toBe("80");
    await lab.plane.kubectl("delete", "service", "taken");
    await lab.untilInstance("taken", isReady);
  });

  test("a board that is missing is named with the nearest one, and taken when it comes", async () => {
    await lab.apply({ ...manifest("boardless", { firmware: { artifact: shell }, board: "mps2-an38" }) });
    const object = await lab.untilInstance("boardless", (status) => ready(status)?.reason === "BoardNotFound");
    expect(ready(object.status as EmulatorInstanceStatus)?.message).toContain("Did you mean mps2-an385?");
    expect(await lab.podsOf("boardless")).toEqual([]);
    const board = JSON.parse(await lab.plane.kubectl("get", "clusterboard", "mps2-an385", "-o", "json"));
    const { apiVersion, spec } = board;
    await lab.apply({ apiVersion, kind: "Board", metadata: { name: "mps2-an38", namespace: "default" }, spec });
    expect((await lab.untilInstance("boardless", isReady)).status).toMatchObject({ board: { kind: "Board" } });
  });

  test.each([[{ channels: [{ name: "uart9", tcp: true }] }, "ChannelUnknown", "has no channel uart9; it has "]])(
    "what cannot be done is told, never ignored: %j",
    async (spec, reason, words) => {
      const name = `beyond-${reason.toLowerCase()}-${Object.keys(spec)[0]?.toLowerCase()}`;
      await lab.apply(manifest(name, { firmware: { artifact: shell }, ...spec }));
      const object = await lab.untilInstance(name, (status) => ready(status)?.reason === reason);
      expect(ready(object.status as EmulatorInstanceStatus)?.message).toContain(words);
      await lab.plane.kubectl("delete", "emu", name);
    },
  );

  test("channels beside UARTs have ports of their own, and are told as endpoints", async () => {
    const channels = ["uart0-rfc2217", "qmp", "monitor", "gdb"].map((name) => ({ name, tcp: true }));
    await lab.apply(manifest("channelled", { firmware: { artifact: shell }, channels }));
    const { status } = await lab.untilInstance("channelled", isReady);
    expect(status).toMatchObject({
      endpoints: [
        { name: "uart0-rfc2217", port: 5_500 },
        { name: "qmp", port: 5_200 },
        { name: "monitor", port: 5_400 },
        { name: "gdb", port: 5_300 },
        { name: "http", port: 8_080 },
      ],
    });
    const ports = await lab.plane.kubectl("get", "service", "channelled", "-o", "jsonpath={.spec.ports[*].port}");
    expect(ports).toBe("5500 5200 5400 5300 8080");
    const [pod] = await lab.podsOf("channelled");
    const socket = connect({ port: 5_200, host: pod?.status?.podIP ?? "" });
    await readUntil(socket as AsyncIterable<Buffer>, '"QMP"');
    socket.destroy();
    await lab.plane.kubectl("delete", "emu", "channelled");
  });

  test("a volume is claimed before the pod that mounts it, and goes with the instance or stays, as asked", async () => {
    for (const [name, whenDeleted] of [
      ["kept", "Retain"],
      ["dropped", "Delete"],
    ] as const) {
      const storage = { volumeClaimTemplate: { size: "16Mi", whenDeleted } };
      await lab.apply(manifest(name, { firmware: { artifact: shell }, storage }));
      expect((await lab.untilInstance(name, isReady)).status).toMatchObject({ storage: "Persistent" });
      const [pod] = await lab.podsOf(name);
      const volumes = pod?.spec?.volumes as { name: string; persistentVolumeClaim?: { claimName: string } }[];
      expect(volumes.find((volume) => volume.name === "data")?.persistentVolumeClaim?.claimName).toBe(
        `${name}-storage`,
      );
      await lab.plane.kubectl("delete", "emu", name);
    }
    const claims = () => lab.plane.kubectl("get", "pvc", "-o", "name");
    // The garbage collector learns of new kinds each half minute.
    await expect.poll(claims, { timeout: 90_000 }).not.toContain("dropped-storage");
    expect(await claims()).toContain("kept-storage");
    const before = await lab.plane.kubectl("get", "pvc", "kept-storage", "-o", "jsonpath={.metadata.uid}");
    const storage = { volumeClaimTemplate: { size: "16Mi", whenDeleted: "Retain" } };
    await lab.apply(manifest("kept", { firmware: { artifact: shell }, storage }));
    await lab.untilInstance("kept", isReady);
    expect(await lab.plane.kubectl("get", "pvc", "kept-storage", "-o", "jsonpath={.metadata.uid}")).toBe(before);
  });

  test("a claim of somebody else's is left alone, and told of", async () => {
    const claim = {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "occupied-storage", namespace: "default" },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Mi" } } },
    };
    await lab.apply(claim);
    const storage = { volumeClaimTemplate: { size: "16Mi" } };
    await lab.apply(manifest("occupied", { firmware: { artifact: shell }, storage }));
    await lab.untilInstance("occupied", (status) => ready(status)?.reason === "ClaimNameTaken");
    await lab.plane.kubectl("delete", "pvc", "occupied-storage");
    await lab.untilInstance("occupied", isReady);
    await lab.plane.kubectl("delete", "emu", "occupied");
  });

  test("firmware that is refused is told by its own words, and put right by the next spec", async () => {
    await lab.apply(manifest("refused", { firmware: { url: "http://169.254.169.254/app.elf" } }));
    const object = await lab.untilInstance("refused", (status) => ready(status)?.reason === "FirmwareSourceRefused");
    const loaded = conditionOf(object.status as EmulatorInstanceStatus, "FirmwareLoaded");
    expect(loaded).toMatchObject({ status: "False", reason: "FirmwareSourceRefused" });
    await lab.apply(manifest("refused", { firmware: { inline: Buffer.from("not an ELF").toString("base64") } }));
    await lab.untilInstance("refused", (status) => ready(status)?.reason === "FirmwareFormat");
    await lab.apply(manifest("refused", { firmware: { artifact: "0".repeat(64) } }));
    await lab.untilInstance("refused", (status) => ready(status)?.reason === "FirmwareUnknown");
    await lab.apply(manifest("refused", { firmware: { artifact: shell } }));
    await lab.untilInstance("refused", isReady);
  });

  test("a change of a ConfigMap is a change of the firmware, in the pod that runs", async () => {
    const image = (app: string) => join(process.cwd(), `examples/images/mps2-an385/${app}.elf`);
    const configMap = async (app: string) => {
      const made = [
        "create",
        "configmap",
        "image",
        `--from-file=app.elf=${image(app)}`,
        "--dry-run=client",
        "-o",
        "json",
      ];
      await lab.apply(JSON.parse(await lab.plane.kubectl(...made, "-n", "default")));
    };
    const firmware = { configMap: { name: "image", key: "app.elf" } };
    await lab.apply(manifest("mapped", { firmware }));
    await lab.untilInstance("mapped", (status) => ready(status)?.reason === "ConfigMapNotFound");
    await configMap("shell");
    await lab.untilInstance("mapped", isReady);
    const uid = await podUid("mapped");
    await configMap("hello");
    await lab.untilInstance("mapped", (status) => status.firmware?.sha256 === hello && status.lastExit !== undefined);
    expect(await podUid("mapped")).toBe(uid);
  });

  test("an instance whose time is over is stopped, and one that shall go is deleted", async () => {
    await lab.apply(manifest("stopped", { firmware: { artifact: shell }, ttl: { after: "3s" } }));
    await lab.apply(manifest("gone", { firmware: { artifact: shell }, ttl: { after: "2s", then: "Delete" } }));
    const object = await lab.untilInstance("stopped", (status) => status.phase === "Stopped");
    expect(ready(object.status as EmulatorInstanceStatus)).toMatchObject({ status: "False", reason: "Expired" });
    await lab.plane.kubectl("wait", "--for=delete", "emu/gone", "--timeout=60s");
    await expect.poll(() => lab.podsOf("stopped")).toEqual([]);
  });

  test("an instance that is used has no end, and one that is not used any more ends when its time is over", async () => {
    const channels = [{ name: "uart0", tcp: true }];
    const ttl = { after: "3s", from: "LastUsed" };
    await lab.apply(manifest("used", { firmware: { artifact: shell }, channels }));
    await lab.untilInstance("used", isReady);
    const [pod] = await lab.podsOf("used");
    const socket = connect({ port: 5_000, host: pod?.status?.podIP ?? "" });
    // What was said before is shown to whoever the agent has let in.
    await once(socket, "data");
    socket.resume();
    await lab.apply(manifest("used", { firmware: { artifact: shell }, channels, ttl }));
    const generation = 2;
    const inUse = await lab.untilInstance(
      "used",
      (status) => status.observedGeneration === generation && isReady(status),
    );
    expect(inUse.status).not.toHaveProperty("expiresAt");
    socket.destroy();
    await lab.untilInstance("used", ({ expiresAt }) => expiresAt !== undefined);
    await lab.untilInstance("used", ({ phase }) => phase === "Stopped");
  });

  test("an agent that ends is told of as lost", async () => {
    await lab.apply(manifest("lonely", { firmware: { artifact: shell } }));
    await lab.untilInstance("lonely", isReady);
    await lab.kubelet.killAgent((await podUid("lonely")) ?? "");
    const object = await lab.untilInstance("lonely", (status) => ready(status)?.reason === "AgentLost");
    expect(object.status).toMatchObject({ phase: "Unknown" });
    expect(conditionOf(object.status as EmulatorInstanceStatus, "EmulatorRunning")).toMatchObject({
      status: "Unknown",
    });
  });

  test("a deleted instance leaves nothing", async () => {
    await lab.apply(manifest("deleted", { firmware: { artifact: shell } }));
    await lab.untilInstance("deleted", isReady);
    const pods = await lab.podsOf("deleted");
    await lab.plane.kubectl("delete", "emu", "deleted");
    await expect.poll(() => lab.podsOf("deleted")).toEqual([]);
    await expect.poll(() => lab.plane.kubectl("get", "service", "-o", "name")).not.toContain("service/deleted\n");
    expect(pods).toHaveLength(1);
    expect(lab.kubelet.failures).toEqual([]);
  });
});
