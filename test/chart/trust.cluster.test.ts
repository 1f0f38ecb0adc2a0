import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectFolder } from "../../scripts/setup/folders.mjs";
import { agentServerName } from "../../src/client/agent-identity.ts";
import { CliPlace, image } from "../cli/cli-place.ts";
import { describeOnCluster } from "../cluster/cluster.ts";
import { type InstalledFarm, installFarm } from "./installed-farm.ts";
import { openUart } from "./uart-connection.ts";

const INSTALL_MS = 900_000;
const TEST_MS = 900_000;
const WAIT = "--timeout=120s";

describeOnCluster("the trust of a farm by the chart", "disruptive", (cluster) => {
  const place = new CliPlace();
  let farm: InstalledFarm;

  beforeAll(async () => {
    // What agents show is looked at from outside, which policies would not let through.
    const open = "networkPolicies.enabled=false";
    farm = await installFarm(cluster, ["trust.certificateMinutes=2", "trust.keyMinutes=10", open]);
    await farm.boards.kubectl(["apply", "-f", join(projectFolder, "manifests/examples/instance.yaml")]);
    const pool = { apiVersion: "emufarm.dev/v1alpha1", kind: "EmulatorPool", metadata: { name: "default" } };
    await farm.boards.kubectl(["apply", "-f", "-"], JSON.stringify({ ...pool, spec: { replicas: 1, slotsPerPod: 2 } }));
    await farm.boards.kubectl(["wait", "--for=condition=Ready", "emu/sensor-01", "emupool/default", WAIT]);
  }, INSTALL_MS);
  afterAll(async () => {
    place[Symbol.dispose]();
    await farm?.[Symbol.asyncDispose]();
  }, TEST_MS);

  /** A kubeconfig of somebody with a token. */
  async function kubeconfigOf(account: string): Promise<string> {
    const token = (await farm.boards.kubectl(["create", "token", account])).trim();
    const config = JSON.parse(await cluster.kubectl(["config", "view", "--raw", "-o", "json"])) as { users: object[] };
    config.users = config.users.map((user) => ({ ...user, user: { token } }));
    const path = join(place.folder, `${account}.kubeconfig`);
    writeFileSync(path, JSON.stringify(config));
    return path;
  }

  test("lets a service account run jobs and use consoles in its namespace, by the roles of the cluster", {
    timeout: TEST_MS,
  }, async () => {
    const { boards, system } = farm;
    await boards.kubectl(["create", "serviceaccount", "ci"]);
    const subject = `--serviceaccount=${boards.name}:ci`;
    await boards.kubectl(["create", "rolebinding", "ci", "--clusterrole=edit", subject]);
    const kubeconfig = await kubeconfigOf("ci");
    const env = { KUBECONFIG: kubeconfig };
    const args = ["run", "mps2-an385", image("mps2-an385", "hello"), "--expect-text", "boot ok", "-n", boards.name];
    // To the farm's own namespace it has no way yet.
    expect((await place.run(args, { env })).stderr).toContain("There is no farm in namespace");
    await system.kubectl(["create", "role", "way", "--verb=get,list", "--resource=services,pods"]);
    await system.kubectl(["create", "role", "ports", "--verb=create,get", "--resource=pods/portforward"]);
    for (const role of ["way", "ports"]) {
      await system.kubectl(["create", "rolebinding", role, `--role=${role}`, subject]);
    }
    const here = ["run", "mps2-an385", image("mps2-an385", "hello"), "--expect-text", "boot ok", "-n", system.name];
    const refused = await place.run(here, { env });
    expect(refused.code).toBe(3);
    const who = `system:serviceaccount:${boards.name}:ci`;
    expect(refused.stderr).toMatch(new RegExp(`${who} may not \\w+ runs\\.emufarm\\.dev in namespace ${system.name}`));
    const reader = `--serviceaccount=${boards.name}:ci`;
    await system.kubectl(["create", "rolebinding", "runs", "--clusterrole=edit", reader]);
    await expect.poll(async () => (await place.run(here, { env })).code, { timeout: 120_000, interval: 2_000 }).toBe(0);
  });

  test("renews certificates of two minutes and keys of ten while boards and jobs run, and no stream breaks", {
    timeout: TEST_MS,
  }, async () => {
    const { boards, system } = farm;
    const [uid = "", ip = ""] = (
      await boards.kubectl([
        "get",
        "pods",
        "-l",
        "emufarm.dev/instance=sensor-01",
        "-o",
        "jsonpath={.items[0].metadata.uid} {.items[0].status.podIP}",
      ])
    ).split(" ");
    const address = await boards.kubectl(["get", "service/sensor-01", "-o", "jsonpath={.spec.clusterIP}"]);
    await using uart = await openUart(address);
    await uart.say("echo first", "first");
    const kids = () => boards.kubectl(["get", "configmap/emufarm-agents", "-o", "jsonpath={.data.keys\\.json}"]);
    const before = { certificate: await shownBy(ip, uid), keys: await kids(), pods: await podsOf(farm) };

    const until = Date.parse(new X509Certificate(before.certificate).validTo) + 150_000;
    let runs = 0;
    while (Date.now() < until) {
      await uart.say(`echo round ${runs}`, `round ${runs}`);
      const run = ["run", "mps2-an385", image("mps2-an385", "hello"), "--expect-text", "boot ok", "-n", system.name];
      const { code, stderr } = await place.run(run, { env: { KUBECONFIG: cluster.kubeconfig } });
      expect({ code, stderr }).toMatchObject({ code: 0 });
      runs += 1;
    }
    expect(runs).toBeGreaterThan(2);
    // The first certificate has ended, and others have followed.
    const shown = new X509Certificate(await shownBy(ip, uid));
    expect(shown.validToDate.getTime()).toBeGreaterThan(Date.now());
    expect(await podsOf(farm)).toBe(before.pods);
    await expect.poll(kids, { timeout: 600_000, interval: 5_000 }).not.toBe(before.keys);
    await uart.say("echo last", "last");
    const condition = "jsonpath={.status.conditions[?(@.type=='AgentConnected')].status}";
    expect(await boards.kubectl(["get", "emu/sensor-01", "-o", condition])).toBe("True");
  });
});

/** Uids and restarts of all pods with agents. */
function podsOf({ boards }: InstalledFarm): Promise<string> {
  const each = "{range .items[*]}{.metadata.uid} {.status.containerStatuses[0].restartCount} {end}";
  return boards.kubectl(["get", "pods", "-o", `jsonpath=${each}`]);
}

async function shownBy(host: string, uid: string): Promise<string> {
  const socket = connectTls({ host, port: 8_080, servername: agentServerName(uid), rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const pem = socket.getPeerX509Certificate()?.toString() ?? "";
  socket.destroy();
  return pem;
}
