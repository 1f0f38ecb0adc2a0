import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { API_VERSION } from "../../src/core/schema/metadata.ts";
import { exampleImage, sha256Of } from "../agent/attempt/agent-lab.ts";
import { noControlPlane } from "../cluster/control-plane.ts";
import { type DeathPoint, type KillingProxy, startKillingProxy } from "./killing-proxy.ts";
import { type OperatorLab, startOperatorLab } from "./operator-lab.ts";

const reason = noControlPlane();
const OPERATOR = join(import.meta.dirname, "operator-process.ts");
/** More than an operation has; a point beyond its last write kills nobody. */
const POINTS: readonly DeathPoint[] = [1, 2, 3, 4].flatMap((write) => [
  { write, phase: "before" as const },
  { write, phase: "after" as const },
]);

describe.skipIf(reason)(`an operator that is killed${reason === undefined ? "" : ` (${reason})`}`, () => {
  let lab: OperatorLab;
  let proxy: KillingProxy;
  let folder: string;
  let child: ChildProcess | undefined;
  let shell: string;
  let hello: string;

  beforeAll(async () => {
    lab = await startOperatorLab({ withOperator: false });
    proxy = await startKillingProxy(lab.plane.url, lab.plane.authority);
    folder = mkdtempSync(join(tmpdir(), "ok-"));
    writeFileSync(join(folder, "kubeconfig"), kubeconfig(proxy.url, lab.plane.token));
    await lab.plane.kubectl("apply", "-f", join(process.cwd(), "manifests/boards/mps2-an385.yaml"));
    const images = await Promise.all(["shell", "hello"].map((app) => exampleImage("mps2-an385", app)));
    for (const image of images) await lab.farm.uploadBytes(image);
    [shell = "", hello = ""] = images.map(sha256Of);
  });

  afterAll(async () => {
    await kill();
    await proxy?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  async function kill(): Promise<void> {
    const dying = child;
    child = undefined;
    if (!dying || dying.exitCode !== null || dying.signalCode !== null) return;
    dying.kill("SIGKILL");
    await once(dying, "exit");
  }

  /** Starts an operator that dies at this point. */
  function start(point: DeathPoint | undefined): void {
    const started = spawn(process.execPath, [OPERATOR], {
      env: { ...process.env, ...lab.operatorSettings, EMUFARM_OPERATOR_KUBECONFIG: join(folder, "kubeconfig") },
      stdio: "ignore",
    });
    child = started;
    proxy.arm(point, () => started.kill("SIGKILL"));
  }

  /** Carries out what was begun, by one operator that dies and another that does not; true where the first one died. */
  async function survive(
    point: DeathPoint,
    begin: () => Promise<void>,
    isDone: () => Promise<unknown>,
  ): Promise<boolean> {
    start(point);
    const first = child;
    const died = once(first as ChildProcess, "exit").then(() => true);
    await begin();
    const isDead = await Promise.race([died, isDone().then(() => false)]);
    await kill();
    if (isDead) start(undefined);
    if (isDead) await isDone();
    await kill();
    return isDead;
  }

  const manifest = (name: string, sha256: string) => ({
    apiVersion: API_VERSION,
    kind: "EmulatorInstance",
    metadata: { name, namespace: "default" },
    spec: { board: "mps2-an385", firmware: { artifact: sha256 } },
  });

  const count = async (kind: string, name: string) => {
    const { items } = JSON.parse(await lab.plane.kubectl("get", kind, "-o", "json")) as {
      items: { metadata: { name: string; ownerReferences?: { name: string }[] } }[];
    };
    return items.filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.name.startsWith(name)))
      .length;
  };

  const isReady = (name: string) => lab.untilInstance(name, ({ conditions }) => conditions?.[0]?.status === "True");

  test.each(POINTS)("$phase write $write of a create leaves one pod, one identity, one service", async (point) => {
    const name = `create-${point.write}-${point.phase}`;
    const begin = () => lab.apply(manifest(name, shell));
    const isDead = await survive(point, begin, () => isReady(name));
    expect(isDead || proxy.writes.length < point.write).toBe(true);
    expect(await count("pods", name)).toBe(1);
    expect(await count("secrets", name)).toBe(1);
    expect(await count("services", name)).toBe(1);
    await lab.plane.kubectl("delete", "emu", name);
  });

  test.each(POINTS.slice(0, 4))("$phase write $write of a change of firmware keeps the pod", async (point) => {
    const name = `change-${point.write}-${point.phase}`;
    await survive(
      { write: 1_000, phase: "before" },
      () => lab.apply(manifest(name, shell)),
      () => isReady(name),
    );
    const uid = async () => (await lab.podsOf(name)).map(({ metadata }) => metadata.uid);
    const before = await uid();
    await survive(
      point,
      () => lab.apply(manifest(name, hello)),
      () => lab.untilInstance(name, ({ firmware, lastExit }) => firmware?.sha256 === hello && lastExit !== undefined),
    );
    expect(await uid()).toEqual(before);
    await lab.plane.kubectl("delete", "emu", name);
  });

  test.each(POINTS.slice(0, 4))("$phase write $write of a delete leaves nothing", async (point) => {
    const name = `delete-${point.write}-${point.phase}`;
    await survive(
      { write: 1_000, phase: "before" },
      () => lab.apply(manifest(name, shell)),
      () => isReady(name),
    );
    const left = () => Promise.all(["pods", "secrets", "services"].map((kind) => count(kind, name)));
    expect(await left()).toEqual([1, 1, 1]);
    await survive(
      point,
      () => lab.plane.kubectl("delete", "emu", name, "--wait=false").then(() => {}),
      () => expect.poll(left, { timeout: 60_000 }).toEqual([0, 0, 0]),
    );
    await expect.poll(() => lab.kubelet.emulators()).toEqual([]);
  });
});

function kubeconfig(server: string, token: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name: "u", user: { token } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  });
}
