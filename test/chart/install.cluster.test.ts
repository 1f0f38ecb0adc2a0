import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { programFolders } from "../../scripts/cluster/tools.ts";
import { ownCacheFolder, projectFolder } from "../../scripts/setup/folders.mjs";
import { describeOnCluster } from "../cluster/cluster.ts";
import { CHART } from "./chart.ts";
import { type InstalledFarm, installFarm, rolledOut } from "./installed-farm.ts";
import { openUart } from "./uart-connection.ts";

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

  test("carries out a run on the pods of a pool, for whoever has the API's token", { timeout: TEST_MS }, async () => {
    const pool = { apiVersion: "emufarm.dev/v1alpha1", kind: "EmulatorPool", metadata: { name: "default" } };
    await farm.boards.kubectl(["apply", "-f", "-"], JSON.stringify({ ...pool, spec: { replicas: 2, slotsPerPod: 2 } }));
    await farm.boards.kubectl(["wait", "--for=condition=Ready", "emupool/default", WAIT]);
    await using api = await forwardApi(cluster.kubeconfig, farm.system.name);
    const token = await farm.system.kubectl(["get", "secret/emufarm-api", "-o", "jsonpath={.data.token}"]);
    const folder = await mkdtemp(join(tmpdir(), "emu-token-"));
    try {
      await writeFile(join(folder, "token"), Buffer.from(token, "base64"));
      const run = join(projectFolder, "examples/hello.run.yaml");
      const env = { EMUFARM_URL: api.url, EMUFARM_TOKEN_FILE: join(folder, "token") };
      const { all, exitCode } = await execa(process.execPath, [join(projectFolder, "src/cli/main.ts"), "test", run], {
        env,
        all: true,
        reject: false,
      });
      expect(all).toMatch(/(\d+) jobs: \1 passed/);
      expect(exitCode).toBe(0);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test("leaves nothing in the cluster when it is uninstalled but what is not its own", {
    timeout: TEST_MS,
  }, async () => {
    await farm.boards.kubectl(["delete", "emulatorinstances,emulatorpools", "--all", WAIT]);
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

/** The API on a port of this machine, by the name that it answers to anywhere. */
async function forwardApi(kubeconfig: string, namespace: string) {
  const [folder = ""] = programFolders(ownCacheFolder(), ["kubernetes"]);
  const args = ["--kubeconfig", kubeconfig, "--namespace", namespace, "port-forward", "service/emufarm-api", ":8080"];
  const forwarding = spawn(join(folder, "kubectl"), args, { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: forwarding.stdout });
  const [line] = await Promise.race([once(lines, "line"), once(forwarding, "exit")]);
  const port = /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(String(line))?.[1];
  if (port === undefined) throw new Error(`kubectl port-forward: ${line}`);
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      forwarding.kill();
      await once(forwarding, "exit");
    },
  };
}
