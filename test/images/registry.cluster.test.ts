import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { IMAGE_NAMES } from "../../scripts/images/definition.ts";
import { pushImages, writeValues } from "../../scripts/images/push.ts";
import { loginsOf } from "../../scripts/images/registry.ts";
import { ownCacheFolder, projectFolder } from "../../scripts/setup/folders.mjs";
import { machineAt } from "../../scripts/setup/system-packages.mjs";
import { applyDefinitions, installFromRegistry } from "../chart/installed-farm.ts";
import { describeOnCluster } from "../cluster/cluster.ts";
import type { TestNamespace } from "../cluster/test-cluster.ts";
import { loadRegistryImage, startRegistryPod } from "./registry-pod.ts";
import { REGISTRY_USER } from "./registry-process.ts";

const INSTALL_MS = 900_000;
const TEST_MS = 600_000;
const WAIT = "--timeout=240s";
const INSTANCE = join(projectFolder, "manifests/examples/instance.yaml");
const hasRegistry = machineAt(`${process.env.PATH}${delimiter}/usr/bin`).hasCommand("docker-registry");

describeOnCluster("a farm whose images are in a registry with a login", "disruptive", (cluster) => {
  let folder: string;
  let values: string;
  let place: TestNamespace;
  let target = "";
  const config = () => {
    const auth = Buffer.from(`${REGISTRY_USER.username}:${REGISTRY_USER.password}`).toString("base64");
    return JSON.stringify({ auths: { [target.split("/")[0] ?? ""]: { auth } } });
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "emu-registry-"));
    values = join(folder, "images.values.yaml");
    if (!hasRegistry) return;
    await loadRegistryImage(cluster);
    await applyDefinitions(cluster, projectFolder);
    place = await cluster.makeNamespace("registry");
    target = `${await startRegistryPod(cluster, place, { hasLogin: true })}/emufarm`;
    const file = join(folder, "config.json");
    writeFileSync(file, config());
    const pushed = await pushImages({
      place: { project: projectFolder, cache: ownCacheFolder() },
      names: IMAGE_NAMES,
      target,
      tag: undefined,
      isPlain: true,
      findLogin: loginsOf({ REGISTRY_AUTH_FILE: file }),
      onPushed: () => {},
    });
    writeValues(values, target, pushed);
  }, INSTALL_MS);
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await place?.[Symbol.asyncDispose]();
  }, TEST_MS);

  const giveLogin = (namespace: TestNamespace) =>
    namespace.kubectl(
      ["apply", "-f", "-"],
      JSON.stringify({
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "login" },
        type: "kubernetes.io/dockerconfigjson",
        stringData: { ".dockerconfigjson": config() },
      }),
    );

  test("is pulled by digest with the login; a board without it says that its image cannot be had, and runs when it can", {
    timeout: TEST_MS,
  }, async (context) => {
    if (!hasRegistry) return context.skip("docker-registry is not installed");
    await using farm = await installFromRegistry(
      cluster,
      ["--values", values, "--set", "image.pullSecrets={login}"],
      giveLogin,
    );
    const images = "jsonpath={.items[*].spec.containers[*].image}";
    const used = (await farm.system.kubectl(["get", "pods", "-o", images])).split(" ");
    expect(used.filter((image) => !/^[^@]+@sha256:[0-9a-f]{64}$/.test(image))).toEqual([]);

    await farm.boards.kubectl(["apply", "-f", INSTANCE]);
    const condition = "jsonpath={.status.conditions[?(@.type=='Ready')].message}";
    await expect
      .poll(() => farm.boards.kubectl(["get", "emu/sensor-01", "-o", condition]), { timeout: 120_000, interval: 1_000 })
      .toMatch(/emufarm-agent@sha256|pull/i);
    await giveLogin(farm.boards);
    await farm.boards.kubectl(["wait", "--for=condition=Ready", "emu/sensor-01", WAIT]);
    return undefined;
  });
});
