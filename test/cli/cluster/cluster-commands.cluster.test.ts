import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type InstalledFarm, installFarm } from "../../chart/installed-farm.ts";
import { describeOnCluster } from "../../cluster/cluster.ts";
import { CliPlace, image, PROJECT } from "../cli-place.ts";

const INSTALL_MS = 900_000;
const TEST_MS = 300_000;
const WAIT = "--timeout=120s";

describeOnCluster("emufarm on a farm in a cluster", "disruptive", (cluster) => {
  const place = new CliPlace();
  let farm: InstalledFarm;

  beforeAll(async () => {
    farm = await installFarm(cluster);
    const applied = await emufarm(["apply", "-f", join(PROJECT, "manifests/examples/instance.yaml"), ...boards()]);
    expect(applied).toEqual({
      code: 0,
      stdout: "emulatorinstance.emufarm.dev/sensor-01 serverside-applied\n",
      stderr: "",
    });
    await farm.boards.kubectl(["wait", "--for=condition=Ready", "emu/sensor-01", WAIT]);
  }, INSTALL_MS);
  afterAll(async () => {
    place[Symbol.dispose]();
    await farm?.[Symbol.asyncDispose]();
  }, TEST_MS);

  const boards = () => ["-n", farm.boards.name];
  const options = (kubeconfig = cluster.kubeconfig) => ({ env: { KUBECONFIG: kubeconfig } });
  const emufarm = (args: readonly string[]) => place.run(args, options());

  /** Types into a console once it shows the prompt, and leaves it when the guest has answered. */
  const talk = async (line: string, answer: string, kubeconfig?: string) => {
    const console = place.start(["console", "emu/sensor-01", "uart0", ...boards()], options(kubeconfig));
    await console.said("> ");
    console.child.stdin.write(`${line}\r`);
    await console.said(answer);
    console.signal("SIGINT");
    return await console.result;
  };

  /** Somebody who may look at instances and pods of the namespace and reach their ports, and read no Secret. */
  const neighbour = async () => {
    const kubectl = (...args: string[]) => farm.boards.kubectl(args);
    await kubectl("create", "serviceaccount", "neighbour");
    await kubectl("create", "role", "neighbour", "--verb=get,list", "--resource=emulatorinstances.emufarm.dev,pods");
    await kubectl("create", "role", "ports", "--verb=create,get", "--resource=pods/portforward");
    for (const role of ["neighbour", "ports"]) {
      const subject = `--serviceaccount=${farm.boards.name}:neighbour`;
      await kubectl("create", "rolebinding", role, `--role=${role}`, subject);
    }
    const token = (await kubectl("create", "token", "neighbour")).trim();
    const config = JSON.parse(await kubectl("config", "view", "--raw", "-o", "json")) as { users: { user: object }[] };
    config.users = config.users.map((user) => ({ ...user, user: { token } }));
    const path = join(place.folder, "neighbour.kubeconfig");
    writeFileSync(path, JSON.stringify(config));
    return path;
  };

  test("shows and describes an instance that runs", { timeout: TEST_MS }, async () => {
    const { stdout } = await emufarm(["get", "emu", ...boards()]);
    expect(stdout).toMatch(
      /^NAME +BOARD +PHASE +READY +ADDRESS +AGE\nsensor-01 +mps2-an385 +Running +True +sensor-01\./,
    );
    const described = await emufarm(["describe", "emu/sensor-01", ...boards()]);
    expect(described.stdout).toMatch(/^endpoints +uart0 5000, uart1 5001, http 8080$/m);
    expect(described.stdout).toMatch(/^ {2}talk +emufarm console emu\/sensor-01 --namespace boards-\w+$/m);
  });

  test("joins a console by the agent, and reads its log", { timeout: TEST_MS }, async () => {
    expect(await talk("echo there", "there\n> ")).toMatchObject({
      stdout: expect.stringContaining("shell on mps2-an385"),
    });
    const { code, stdout } = await emufarm(["logs", "emu/sensor-01", ...boards()]);
    expect(code).toBe(0);
    expect(stdout).toContain("emufarm shell on mps2-an385\n> ");
    const unknown = await emufarm(["logs", "emu/sensor-01", "uart9", ...boards()]);
    expect(unknown.stderr).toContain("There is no UART uart9 of board mps2-an385, which has uart0, uart1");
  });

  test("joins a console by its raw port for whoever may not call the farm, and has no log for them", {
    timeout: TEST_MS,
  }, async () => {
    const kubeconfig = await neighbour();
    expect((await talk("echo raw", "raw\n> ", kubeconfig)).code).toBe(0);
    const refusal = "the farm's API gives no way to the agent";
    for (const args of [
      ["logs", "emu/sensor-01"],
      ["console", "emu/sensor-01", "uart2"],
    ]) {
      const { code, stderr } = await place.run([...args, ...boards()], options(kubeconfig));
      expect(code).toBe(5);
      expect(stderr).toContain(refusal);
    }
    const run = await place.run(["run", "mps2-an385", image("mps2-an385", "hello"), ...boards()], options(kubeconfig));
    expect(run.stderr).toContain("There is no farm in namespace");
  });

  test("carries out a run on the pods of a pool, and tells of it afterwards", { timeout: TEST_MS }, async () => {
    const pool = join(place.folder, "pool.yaml");
    const spec = { replicas: 1, slotsPerPod: 2 };
    const object = { apiVersion: "emufarm.dev/v1alpha1", kind: "EmulatorPool", metadata: { name: "default" }, spec };
    writeFileSync(pool, JSON.stringify(object));
    expect((await emufarm(["apply", "-f", pool, ...boards()])).code).toBe(0);
    await farm.boards.kubectl(["wait", "--for=condition=Ready", "emupool/default", WAIT]);
    const system = ["-n", farm.system.name];
    const args = ["run", "mps2-an385", image("mps2-an385", "hello"), "--expect-text", "boot ok", ...system];
    const { code, stdout, stderr } = await emufarm(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/passed in/) });
    expect(stdout).toContain("boot ok");
    expect((await emufarm(["get", "runs", ...system])).stdout).toMatch(/hello\.elf on mps2-an385 .* passed +1\/1/);
    const failed = await emufarm([...args.slice(0, 3), "--fail-text", "boot ok", ...system]);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain(`--namespace ${farm.system.name}`);
  });

  test("finds all in order", { timeout: TEST_MS }, async () => {
    const { stdout } = await emufarm(["doctor", "--probe-network", ...boards()]);
    expect(stdout).toMatch(/^ok +network +policies are enforced: a pod without a right to Redis does not reach it$/m);
    const pods = await farm.system.kubectl(["get", "pods", "-o", "name"]);
    expect(pods).not.toContain("doctor");
    expect(stdout).toMatch(/^ok +kinds +all of emufarm\.dev\/v1alpha1$/m);
    expect(stdout).toMatch(
      /^ok +rights +yours in \S+: see instances, make instances, raw consoles, consoles and logs$/m,
    );
  });
});
