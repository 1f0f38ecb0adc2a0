import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { projectFolder } from "../../scripts/setup/folders.mjs";
import { describeOnCluster } from "../cluster/cluster.ts";
import { CHART } from "./chart.ts";
import { type InstalledFarm, installFarm, rolledOut } from "./installed-farm.ts";

const INSTALL_MS = 900_000;
const TEST_MS = 300_000;
const WAIT = "--timeout=120s";

describeOnCluster("a farm by the chart", "disruptive", (cluster) => {
  let farm: InstalledFarm;
  beforeAll(async () => {
    farm = await installFarm(cluster);
  }, INSTALL_MS);
  afterAll(async () => {
    await farm?.[Symbol.asyncDispose]();
  }, TEST_MS);

  test("passes its own test", { timeout: TEST_MS }, async () => {
    expect(await farm.helm("test", "--logs")).toContain("Succeeded");
  });

  test("keeps a board and its UART through an upgrade of everything around it", { timeout: TEST_MS }, async () => {
    await farm.boards.kubectl(["apply", "-f", join(projectFolder, "manifests/examples/instance.yaml")]);
    await farm.boards.kubectl(["wait", "--for=condition=Ready", "emu/sensor-01", WAIT]);
    const address = await farm.boards.kubectl(["get", "service/sensor-01", "-o", "jsonpath={.spec.clusterIP}"]);
    await using uart = await openUart(address);
    await uart.say("echo before", "before");
    const pod = () => farm.boards.kubectl(["get", "pods", "-o", "jsonpath={.items[*].metadata.uid}"]);
    const before = await pod();
    const operators = () =>
      farm.system.kubectl(["get", "pods", "-l", "app.kubernetes.io/component=operator", "-o", "name"]);
    const earlier = await operators();

    await farm.helm("upgrade", CHART, "--reuse-values", "--set", "operator.logLevel=debug,api.logLevel=debug");
    await rolledOut(farm.system);
    expect(await operators()).not.toBe(earlier);
    await uart.say("echo after", "after");
    expect(await pod()).toBe(before);

    // The new operator has it at hand.
    await farm.boards.kubectl(["patch", "emu/sensor-01", "--type=merge", "-p", '{"spec":{"resetCount":1}}']);
    await uart.heard(/emufarm shell on mps2-an385[\s\S]*emufarm shell on mps2-an385/);
    expect(await pod()).toBe(before);
  });

  test("leaves nothing in the cluster when it is uninstalled but what is not its own", {
    timeout: TEST_MS,
  }, async () => {
    await farm.boards.kubectl(["delete", "emulatorinstances", "--all", WAIT]);
    await farm.boards.kubectl(["wait", "--for=delete", "pods", "--all", WAIT]);
    await farm.helm("uninstall", "--wait");
    await farm.system.kubectl(["wait", "--for=delete", "pods", "--all", WAIT]);
    const ofRelease = ["-l", "app.kubernetes.io/part-of=emufarm,app.kubernetes.io/instance=emufarm", "-o", "name"];
    const kinds = [
      "all,serviceaccounts,roles,rolebindings,networkpolicies,poddisruptionbudgets,persistentvolumeclaims",
    ];
    expect(await farm.system.kubectl(["get", ...kinds, ...ofRelease])).toBe("");
    const roles = await cluster.kubectl(["get", "clusterroles,clusterrolebindings", ...ofRelease]);
    expect(roles.split("\n").filter((name) => name.includes(farm.system.name))).toEqual([]);
    expect(await farm.boards.kubectl(["get", "services,secrets", "-o", "name"])).toBe("");
  });
});

/** A raw connection to a UART. */
async function openUart(host: string) {
  const socket: Socket = connect(5_000, host);
  let text = "";
  socket.setEncoding("utf8").on("data", (data: string) => {
    text += data;
  });
  await once(socket, "connect");
  const heard = (pattern: RegExp) => vi.waitFor(() => expect(text).toMatch(pattern), { timeout: 60_000 });
  return {
    heard,
    async say(line: string, answer: string) {
      socket.write(`${line}\n`);
      await heard(new RegExp(answer));
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
    },
  };
}
