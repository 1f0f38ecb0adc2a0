import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectFolder } from "../../scripts/setup/folders.mjs";
import { CliPlace, image } from "../cli/cli-place.ts";
import { describeOnCluster } from "../cluster/cluster.ts";
import { CHART } from "./chart.ts";
import { applyDefinitions, type InstalledFarm, installFarm, loadImages, rolledOut } from "./installed-farm.ts";
import { checkOutPrevious, noPreviousVersion, type PreviousVersion } from "./previous-version.ts";
import { openUart } from "./uart-connection.ts";

const INSTALL_MS = 1_200_000;
const TEST_MS = 600_000;
const WAIT = "--timeout=240s";
const INSTANCE = join(projectFolder, "manifests/examples/instance.yaml");
/** A job that is at work through an upgrade, and answers only if its guest was never started again. */
const PATIENT_STEPS = [
  { "wait-serial": "> " },
  { delay: "75s" },
  { "write-serial": "echo still here\n" },
  { "wait-serial": "still here" },
  { "write-serial": "exit 0\n" },
  { "expect-exit": 0 },
];

const missing = await noPreviousVersion();

describeOnCluster("a farm of the previous version", "disruptive", (cluster) => {
  const place = new CliPlace();
  let previous: PreviousVersion;
  let farm: InstalledFarm;

  beforeAll(async () => {
    if (missing !== undefined) return;
    previous = await checkOutPrevious();
    await previous.load(cluster);
    await loadImages(cluster);
    await applyDefinitions(cluster, join(previous.chart, "../.."));
    // Runs are in the store, which has to outlive the pod of the API.
    const kept = ["api.store.type=persistent", "redis.store.type=persistent"];
    farm = await installFarm(cluster, [`image.tag=${previous.version}`, ...kept], { chart: previous.chart });
  }, INSTALL_MS);
  afterAll(async () => {
    place[Symbol.dispose]();
    await farm?.[Symbol.asyncDispose]();
    previous?.[Symbol.dispose]();
  }, TEST_MS);

  const addressOf = (name: string) =>
    farm.boards.kubectl(["get", `service/${name}`, "-o", "jsonpath={.spec.clusterIP}"]);
  const podOf = async (name: string) => {
    const fields = "{.items[*].metadata.uid} {.items[*].status.containerStatuses[0].restartCount}";
    const image = "{.items[*].spec.containers[0].image}";
    const args = ["get", "pods", "-l", `emufarm.dev/instance=${name}`, "-o", `jsonpath=${fields} ${image}`];
    return await farm.boards.kubectl(args);
  };
  const patch = (name: string, spec: object) =>
    farm.boards.kubectl(["patch", `emu/${name}`, "--type=merge", "-p", JSON.stringify({ spec })]);
  const connected = (name: string) =>
    farm.boards.kubectl(["wait", "--for=condition=AgentConnected", `emu/${name}`, WAIT]);

  const conditionsOf = (name: string) => {
    const each =
      "jsonpath={range .status.conditions[*]}{.type}={.status} {.reason}: {.message} observed {.observedGeneration}{'\\n'}{end}";
    return farm.boards.kubectl(["get", `emu/${name}`, "-o", each]);
  };

  async function applyInstance(name: string): Promise<void> {
    const text = await farm.boards.kubectl(["create", "--dry-run=client", "-o", "json", "-f", INSTANCE]);
    const object = JSON.parse(text) as { metadata: { name: string } };
    object.metadata.name = name;
    await farm.boards.kubectl(["apply", "-f", "-"], JSON.stringify(object));
    await farm.boards.kubectl(["wait", "--for=condition=Ready", `emu/${name}`, WAIT]);
  }

  /** Submits the job that takes long, and follows it to its end. */
  function startPatientJob() {
    const file = join(place.folder, "patient.run.yaml");
    const scenario = { version: 1, steps: PATIENT_STEPS };
    const firmware = image("mps2-an385", "shell");
    const job = { name: "patient", board: "mps2-an385", firmware, scenario, timeout: "5m" };
    const run = { apiVersion: "emufarm.dev/v1alpha1", kind: "Run", metadata: { name: "patient" } };
    writeFileSync(file, JSON.stringify({ ...run, spec: { jobs: [job] } }));
    return place.start(["test", file, "--json", "-n", farm.system.name], { env: { KUBECONFIG: cluster.kubeconfig } });
  }

  async function untilRunning(): Promise<void> {
    const running = ["get", "runs", "-n", farm.system.name];
    await expect
      .poll(async () => (await place.run(running, { env: { KUBECONFIG: cluster.kubeconfig } })).stdout, {
        timeout: 120_000,
        interval: 2_000,
      })
      .toMatch(/patient.*running/);
  }

  test("is upgraded with boards and jobs at work: none of their emulators is started again", {
    timeout: TEST_MS,
  }, async (context) => {
    if (missing !== undefined) return context.skip(missing);
    await applyInstance("old");
    const pool = { apiVersion: "emufarm.dev/v1alpha1", kind: "EmulatorPool", metadata: { name: "default" } };
    await farm.boards.kubectl(["apply", "-f", "-"], JSON.stringify({ ...pool, spec: { replicas: 1, slotsPerPod: 2 } }));
    await farm.boards.kubectl(["wait", "--for=condition=Ready", "emupool/default", WAIT]);
    await using uart = await openUart(await addressOf("old"));
    await uart.say("echo before", "before");
    const before = await podOf("old");
    expect(before).toContain(previous.version);
    const job = startPatientJob();
    await untilRunning();

    await applyDefinitions(cluster, projectFolder);
    await farm.helm("upgrade", CHART, "--reset-then-reuse-values", "--set", "image.tag=");
    await rolledOut(farm.system);
    await connected("old");
    await uart.say("echo after", "after");
    expect(await podOf("old")).toBe(before);
    const ended = await job.result;
    expect(ended.code).toBe(0);
    // None was tried again behind its back: the same attempt has gone on.
    const events = ended.stdout.trim().split("\n");
    const finished = events.map((line) => JSON.parse(line)).find(({ type }) => type === "jobFinished");
    expect(finished?.verdict).toMatchObject({ verdict: "passed", attempt: 1, attempts: [] });

    // The new operator speaks to the old agent.
    const boots = () => uart.text.split("emufarm shell on mps2-an385").length - 1;
    const earlier = boots();
    await patch("old", { resetCount: 1 });
    await expect.poll(boots, { timeout: 60_000 }).toBe(earlier + 1);
    expect(await podOf("old")).toBe(before);
    return undefined;
  });

  test("has agents of the new version that the old operator reaches, when the upgrade is taken back", {
    timeout: TEST_MS,
  }, async (context) => {
    if (missing !== undefined) return context.skip(missing);
    await applyInstance("new");
    const before = await podOf("new");
    expect(before).not.toContain(previous.version);
    await using uart = await openUart(await addressOf("new"));
    await uart.say("echo before", "before");

    await farm.helm("rollback", "1");
    await rolledOut(farm.system);
    const operators = "jsonpath={.items[*].spec.containers[0].image}";
    const images = await farm.system.kubectl([
      "get",
      "pods",
      "-l",
      "app.kubernetes.io/component=operator",
      "-o",
      operators,
    ]);
    expect(images).toContain(previous.version);
    await uart.say("echo after", "after");
    // What is new in a board's manifest the old version does not know: it tells of it, and lets the board run on.
    await patch("new", { resetCount: 1 });
    const answered = /AgentConnected=True .* observed 2/;
    await expect.poll(() => conditionsOf("new"), { timeout: 240_000, interval: 1_000 }).toMatch(answered);
    await uart.say("echo still", "still");
    expect(await podOf("new")).toBe(before);
    return undefined;
  });
});
