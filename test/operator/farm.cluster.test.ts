import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectFolder } from "../../scripts/setup/folders.mjs";
import { createFarmClient } from "../../src/client/farm-client.ts";
import { exampleImage, sha256Of } from "../agent/attempt/agent-lab.ts";
import { type InstalledFarm, installFarm } from "../chart/installed-farm.ts";
import { describeOnCluster } from "../cluster/cluster.ts";
import { SHOWN_AS_CONDITION } from "../kubernetes/manifests/shown-as-conditions.ts";
import { connectUart } from "./uart-connection.ts";

const INSTALL_MS = 900_000;
const TEST_MS = 400_000;
const WAIT = "--timeout=180s";
const EXAMPLES = join(projectFolder, "manifests/examples");

describeOnCluster("boards and pools of an operator", "disruptive", (cluster) => {
  let farm: InstalledFarm;
  beforeAll(async () => {
    farm = await installFarm(cluster);
  }, INSTALL_MS);
  afterAll(async () => {
    await farm?.[Symbol.asyncDispose]();
  }, TEST_MS);

  const read = (what: string, path: string) => farm.boards.kubectl(["get", what, "-o", `jsonpath={${path}}`]);
  const ofPods = (path: string) =>
    farm.boards.kubectl(["get", "pods", "-l", "emufarm.dev/instance=sensor-01", "-o", `jsonpath={.items[*]${path}}`]);
  const podUid = () => ofPods(".metadata.uid");
  const waitFor = (what: string, condition: string) => farm.boards.kubectl(["wait", `--for=${condition}`, what, WAIT]);
  const patch = (spec: object) =>
    farm.boards.kubectl(["patch", "emu/sensor-01", "--type=merge", "-p", JSON.stringify({ spec })]);

  test("an applied board is Ready and answers on its UART, and other firmware comes into the pod that runs", {
    timeout: TEST_MS,
  }, async () => {
    await farm.boards.kubectl(["apply", "-f", join(EXAMPLES, "instance.yaml")]);
    await waitFor("emu/sensor-01", "condition=Ready");
    const host = await read("service/sensor-01", ".spec.clusterIP");
    await using uart = await connectUart(host);
    uart.write("echo it answers\n");
    await uart.heard(/it answers/);
    const uid = await podUid();

    const shell = await read("emu/sensor-01", ".spec.firmware.inline");
    const from = uart.text.length;
    const hello = (await exampleImage("mps2-an385", "hello")).toString("base64");
    await patch({ firmware: { inline: hello } });
    await uart.heard(/boot ok/, from);
    await waitFor("emu/sensor-01", "jsonpath={.status.phase}=Succeeded");
    await patch({ firmware: { inline: shell } });
    await waitFor("emu/sensor-01", "condition=Ready");
    await patch({ paused: true });
    await waitFor("emu/sensor-01", "jsonpath={.status.phase}=Paused");
    await patch({ paused: false, power: "Off" });
    await waitFor("emu/sensor-01", "jsonpath={.status.phase}=PoweredOff");
    await patch({ power: "On" });
    await waitFor("emu/sensor-01", "jsonpath={.status.phase}=Running");
    expect(await podUid()).toBe(uid);
    expect(uart.isOpen).toBe(true);
  });

  test("both operators killed: the board goes on, and what was changed meanwhile is made so after", {
    timeout: TEST_MS,
  }, async () => {
    const host = await read("service/sensor-01", ".spec.clusterIP");
    await using uart = await connectUart(host);
    const uid = await podUid();
    const before = await read("emu/sensor-01", ".metadata.resourceVersion");
    const operators = ["-l", "app.kubernetes.io/component=operator"];
    await farm.system.kubectl(["delete", "pods", ...operators, "--grace-period=0", "--force"]);
    uart.write("echo nobody leads\n");
    await uart.heard(/nobody leads/);
    await farm.system.kubectl(["rollout", "status", "deployment/emufarm-operator", WAIT]);
    const from = uart.text.length;
    await patch({ resetCount: 1 });
    await uart.heard(/emufarm shell/, from);
    await waitFor(
      "emu/sensor-01",
      "jsonpath={.status.observedGeneration}=".concat(await read("emu/sensor-01", ".metadata.generation")),
    );
    expect(await podUid()).toBe(uid);
    expect(uart.isOpen).toBe(true);
    expect(await read("emu/sensor-01", ".metadata.resourceVersion")).not.toBe(before);
  });

  test("its pod deleted: another one, at the same address, with the same firmware, and the status says why", {
    timeout: TEST_MS,
  }, async () => {
    const host = await read("service/sensor-01", ".spec.clusterIP");
    const digest = await read("emu/sensor-01", ".status.firmware.sha256");
    const name = await read("emu/sensor-01", ".status.podName");
    await farm.boards.kubectl(["delete", "pod", name]);
    await using uart = await connectUart(host);
    await uart.heard(/> /);
    uart.write("echo again\n");
    await uart.heard(/again/);
    await waitFor("emu/sensor-01", "condition=Ready");
    expect(await read("emu/sensor-01", ".status.podName")).not.toBe(name);
    expect(await read("emu/sensor-01", ".status.firmware.sha256")).toBe(digest);
    expect(await read("emu/sensor-01", ".status.lastExit.reason")).toBe("EmulatorKilled");
  });

  test("its storage is on a volume that lasts as long as it does, its output in the log of its pod", {
    timeout: TEST_MS,
  }, async () => {
    const firmware = { inline: (await exampleImage("mps2-an385", "shell")).toString("base64") };
    const storage = { volumeClaimTemplate: { size: "16Mi" } };
    const spec = { board: "mps2-an385", firmware, storage, consoleLog: "First" };
    const manifest = { apiVersion: "emufarm.dev/v1alpha1", kind: "EmulatorInstance", metadata: { name: "kept" }, spec };
    await farm.boards.kubectl(["apply", "-f", "-"], JSON.stringify(manifest));
    await waitFor("emu/kept", "condition=Ready");
    expect(await read("emu/kept", ".status.storage")).toBe("Persistent");
    const claim = await read("pvc/kept-storage", ".metadata.uid");
    const pod = await read("emu/kept", ".status.podName");
    await expect.poll(() => farm.boards.kubectl(["logs", pod])).toMatch(/^uart0: .*emufarm shell/m);
    await farm.boards.kubectl(["delete", "pod", pod]);
    await expect.poll(() => read("emu/kept", ".status.podName"), { timeout: 120_000 }).toMatch(/^kept-/);
    await expect.poll(() => read("emu/kept", ".status.podName"), { timeout: 120_000 }).not.toBe(pod);
    await waitFor("emu/kept", "condition=Ready");
    expect(await read("pvc/kept-storage", ".metadata.uid")).toBe(claim);
    await farm.boards.kubectl(["delete", "emu/kept", WAIT]);
    await farm.boards.kubectl(["wait", "--for=delete", "pvc/kept-storage", WAIT]);
  });

  test.each(SHOWN_AS_CONDITION.filter(({ needs }) => needs.includes("nodes")).map((one) => [one.what, one] as const))(
    "%s is shown",
    { timeout: TEST_MS },
    async (_what, wrong) => {
      await farm.boards.kubectl(["delete", "emu", "--all", WAIT]);
      for (const object of [...wrong.beside, wrong.manifest]) {
        await farm.boards.kubectl(["apply", "-f", "-"], JSON.stringify(object));
      }
      try {
        await waitFor("emu/sensor-01", `jsonpath={.status.conditions[0].reason}=${wrong.reason}`);
        expect(await read("emu/sensor-01", ".status.conditions[0].message")).toMatch(wrong.message);
      } finally {
        await farm.boards.kubectl(["delete", "emu/sensor-01", WAIT]);
        for (const { kind, metadata } of wrong.beside) {
          await farm.boards.kubectl(["delete", String(kind), metadata.name]);
        }
      }
    },
  );

  test("a run is carried out by the pods of a pool, which then go to none", { timeout: TEST_MS }, async () => {
    const pool = {
      apiVersion: "emufarm.dev/v1alpha1",
      kind: "EmulatorPool",
      metadata: { name: "default" },
      spec: { boards: ["mps2-an385"], replicas: 2, slotsPerPod: 2 },
    };
    await farm.boards.kubectl(["apply", "-f", "-"], JSON.stringify(pool));
    await waitFor("emupool/default", "condition=Ready");
    const api = ["get", "pods", "-l", "app.kubernetes.io/component=api", "-o", "jsonpath={.items[0].status.podIP}"];
    const host = `${await farm.system.kubectl(api)}:8080`;
    const token = await farm.system.kubectl(["get", "secret/emufarm-api", "-o", "jsonpath={.data.token}"]);
    await using client = createFarmClient({
      address: `http://${host}`,
      token: Buffer.from(token, "base64").toString(),
    });
    const board = JSON.parse(await cluster.kubectl(["get", "clusterboard/mps2-an385", "-o", "json"]));
    await client.putBoard({
      apiVersion: board.apiVersion,
      kind: "ClusterBoard",
      metadata: { name: "mps2-an385" },
      spec: board.spec,
    });
    const image = await exampleImage("mps2-an385", "hello");
    await client.uploadBytes(image);
    const jobs = Array.from({ length: 8 }, () => ({ board: "mps2-an385", firmware: { sha256: sha256Of(image) } }));
    const run = await client.submitRun({ jobs });
    for await (const event of client.events(run.id)) {
      if (event.type === "end")
        expect(event.run.totals).toMatchObject({ total: 8, unexpected: 0, verdicts: { passed: 8 } });
    }
    await farm.boards.kubectl(["scale", "emupool/default", "--replicas=0"]);
    await farm.boards.kubectl(["wait", "--for=delete", "pods", "-l", "emufarm.dev/pool=default", WAIT]);
  });
});
