import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { EmulatorInstanceStatus } from "../../src/core/schema/emulator-instance-status.ts";
import { API_VERSION } from "../../src/core/schema/metadata.ts";
import { createLog } from "../../src/log/log.ts";
import { exampleImage, sha256Of } from "../agent/attempt/agent-lab.ts";
import { noFakeClock, withClock } from "../agent/trust/fake-clock.ts";
import { noControlPlane } from "../cluster/control-plane.ts";
import { isWanted } from "../cluster/faults/long-faults.ts";
import { type FirmwareServer, startFirmwareServer } from "./firmware-server.ts";
import { type OperatorLab, startOperatorLab } from "./operator-lab.ts";

const reason = noControlPlane();
/** Longer than leases, streams and watches live without an answer. */
const AWAY_MS = 60_000;
const DEADLINE_MS = 180_000;

const conditionOf = (status: EmulatorInstanceStatus, type: string) =>
  status.conditions?.find((one) => one.type === type);
const isReady = (status: EmulatorInstanceStatus) => conditionOf(status, "Ready")?.status === "True";

describe.skipIf(reason)(`an operator to which things happen${reason === undefined ? "" : ` (${reason})`}`, () => {
  let lab: OperatorLab;
  let files: FirmwareServer;
  let shell: string;
  /** Of the operator's log. */
  const said: string[] = [];

  beforeAll(async () => {
    const image = await exampleImage("mps2-an385", "shell");
    shell = sha256Of(image);
    files = await startFirmwareServer(image);
    lab = await startOperatorLab({
      apiSettings: { EMUFARM_IMPORT_MAX_MIB: "1", EMUFARM_IMPORT_TIMEOUT_MS: "3000" },
      operatorLog: createLog({ name: "operator", stream: { write: (line) => void said.push(line) } }),
    });
    await lab.plane.kubectl("apply", "-f", join(process.cwd(), "manifests/boards/mps2-an385.yaml"));
    await lab.farm.uploadBytes(image);
  });

  afterEach(async () => {
    await lab.plane.kubectl("delete", "emu", "--all", "--timeout=60s");
  });

  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
    await files?.[Symbol.asyncDispose]();
  });

  const apply = (name: string, spec: object, namespace = "default") =>
    lab.apply({
      apiVersion: API_VERSION,
      kind: "EmulatorInstance",
      metadata: { name, namespace },
      spec: { board: "mps2-an385", ...spec },
    });

  /** The status about the spec as it is now, once it fits. */
  const untilNow = (
    name: string,
    fits: (status: EmulatorInstanceStatus) => boolean,
    namespace?: string,
  ): Promise<EmulatorInstanceStatus> =>
    lab
      .untilInstance(
        name,
        (status, { metadata }) => status.observedGeneration === metadata.generation && fits(status),
        namespace,
      )
      .then(({ status }) => status as EmulatorInstanceStatus);

  const podUids = async (name: string) => (await lab.podsOf(name)).map(({ metadata }) => metadata.uid ?? "");

  test.each([
    ["is not there", "/missing", {}, "FirmwareSourceFailed", /: the server answered 404/],
    ["is slow", "/slow", {}, "FirmwareSourceFailed", /: it took longer than 3 s/],
    ["is another one than was said", "/app.elf", { sha256: "0".repeat(64) }, "DigestMismatch", /, not 0{64} as was/],
    ["is too large", "/large", {}, "BodyTooLarge", /1048576/],
    ["is at a metadata service, by a redirect", "/to-metadata", {}, "FirmwareSourceRefused", /for the local link/],
    ["is at the cluster's API, by a redirect", "/to-cluster", {}, "FirmwareSourceRefused", /for a private network/],
  ])("firmware that %s is told of, and what runs, runs on", { timeout: DEADLINE_MS }, async (...row) => {
    const [, path, also, code, message] = row;
    await apply("fetched", { firmware: { url: files.url("/app.elf") } });
    await untilNow("fetched", isReady);
    const before = { pods: await podUids("fetched"), emulators: await lab.kubelet.emulators() };
    await apply("fetched", { firmware: { url: files.url(path), ...also } });
    const status = await untilNow("fetched", (seen) => conditionOf(seen, "Ready")?.reason === code);
    expect(conditionOf(status, "Ready")).toMatchObject({ status: "False", message: expect.stringMatching(message) });
    expect(conditionOf(status, "FirmwareLoaded")).toMatchObject({ status: "False", reason: code });
    await apply("fetched", { firmware: { url: files.url("/app.elf") } });
    await untilNow("fetched", isReady);
    expect({ pods: await podUids("fetched"), emulators: await lab.kubelet.emulators() }).toEqual(before);
  });

  test("a pod that Pod Security refuses is told of in its words, and made once it may be", {
    timeout: DEADLINE_MS,
  }, async () => {
    await lab.plane.kubectl("create", "namespace", "strict");
    await lab.plane.kubectl("label", "namespace", "strict", "pod-security.kubernetes.io/enforce=restricted");
    const annotations = { "container.apparmor.security.beta.kubernetes.io/agent": "unconfined" };
    await apply("loose", { firmware: { artifact: shell }, podTemplate: { annotations } }, "strict");
    const refused = await untilNow("loose", (seen) => conditionOf(seen, "Ready")?.reason === "Forbidden", "strict");
    const message = expect.stringMatching(/violates PodSecurity "restricted:latest": forbidden AppArmor profile/);
    expect(conditionOf(refused, "Ready")).toMatchObject({ status: "False", message });
    expect(await podUids("loose")).toEqual([]);
    await apply("loose", { firmware: { artifact: shell } }, "strict");
    await untilNow("loose", isReady, "strict");
    expect(await podUids("loose")).toHaveLength(1);
    await lab.plane.kubectl("delete", "namespace", "strict", "--timeout=120s");
  });

  test("resource definitions that are upgraded under it change no board, and new ones are made after", {
    timeout: DEADLINE_MS,
  }, async () => {
    await apply("older", { firmware: { artifact: shell } });
    const before = await lab.untilInstance("older", isReady);
    // One of the test before may still be ending.
    await expect.poll(() => lab.kubelet.emulators()).toHaveLength(1);
    const pods = { uids: await podUids("older"), emulators: await lab.kubelet.emulators() };
    const field = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/later";
    const value = { type: "string", description: "A field of a later version." };
    const patch = JSON.stringify([{ op: "add", path: field, value }]);
    await lab.plane.kubectl("patch", "crd", "emulatorinstances.emufarm.dev", "--type=json", "-p", patch);
    // The API server takes a moment to serve what it has taken.
    await expect.poll(() => lab.plane.kubectl("explain", "emulatorinstance.spec").catch(String)).toContain("later");
    await apply("newer", { firmware: { artifact: shell } });
    await untilNow("newer", isReady);
    expect(lab.instance("older")?.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
    await apply("older", { firmware: { artifact: shell }, paused: true });
    await untilNow("older", ({ phase }) => phase === "Paused");
    const definitions = join(process.cwd(), "charts/emufarm/crds");
    await lab.plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", definitions);
    await apply("older", { firmware: { artifact: shell } });
    await untilNow("older", ({ phase }) => phase === "Running");
    expect(await podUids("older")).toEqual(pods.uids);
    expect(await lab.kubelet.emulators()).toEqual(expect.arrayContaining(pods.emulators));
  });

  describe.skipIf(noFakeClock)(`an agent whose clock is wrong${noFakeClock ? ` (${noFakeClock})` : ""}`, () => {
    afterEach(() => {
      lab.kubelet.agentSurroundings = {};
    });

    test.each(["+30s", "-30s"])("by %s has a board that is Ready", { timeout: DEADLINE_MS }, async (offset) => {
      lab.kubelet.agentSurroundings = withClock(offset);
      await apply("near", { firmware: { artifact: shell } });
      await untilNow("near", isReady);
    });

    test.each(["+600s", "-600s"])("by %s is told of, with both clocks", { timeout: DEADLINE_MS }, async (offset) => {
      lab.kubelet.agentSurroundings = withClock(offset);
      await apply("far", { firmware: { artifact: shell } });
      const status = await untilNow("far", (seen) => conditionOf(seen, "AgentConnected")?.reason === "AgentLost");
      const time = String.raw`\d{4}-\d\d-\d\dT[\d:.]+Z`;
      const clocks = new RegExp(`signed at (${time}) by the clock of the operator, and the clock here says (${time})`);
      const { message = "" } = conditionOf(status, "AgentConnected") ?? {};
      const [, there = "", here = ""] = clocks.exec(message) ?? [];
      expect(message).toMatch(clocks);
      const differenceMs = Date.parse(here) - Date.parse(there);
      expect(Math.abs(differenceMs - Number.parseInt(offset, 10) * 1_000)).toBeLessThan(120_000);
      // Those of the tests before may still be about to end.
      await expect.poll(() => lab.kubelet.emulators()).toEqual([]);
    });
  });

  test("a leader that loses its lease while an agent hangs stops at once", { timeout: DEADLINE_MS }, async () => {
    await apply("hanging", { firmware: { artifact: shell } });
    await untilNow("hanging", isReady);
    const [uid = ""] = await podUids("hanging");
    lab.kubelet.freezeAgent(uid);
    try {
      await apply("hanging", { firmware: { artifact: shell }, paused: true });
      await expect.poll(activeInstances).toBe(1);
      const before = said.length;
      lab.plane.freezeApiServer();
      try {
        await expect.poll(() => said.slice(before).join("")).toContain("this process does not lead any more");
      } finally {
        lab.plane.thawApiServer();
      }
    } finally {
      lab.kubelet.thawAgent(uid);
    }
    expect(said.join("")).not.toContain("do not heed their signal");
    await untilNow("hanging", ({ phase }) => phase === "Paused");
    expect(await podUids("hanging")).toEqual([uid]);
  });

  if (isWanted({ isLong: true })) {
    test(`an API server that is away for ${AWAY_MS / 1_000} s costs no board, and what is asked for after is done`, {
      timeout: DEADLINE_MS + AWAY_MS,
    }, async () => {
      await apply("patient", { firmware: { artifact: shell } });
      await untilNow("patient", isReady);
      const before = { pods: await podUids("patient"), emulators: await lab.kubelet.emulators() };
      await lab.plane.stopApiServer();
      try {
        await sleep(AWAY_MS);
        expect(await lab.kubelet.emulators()).toEqual(before.emulators);
      } finally {
        await lab.plane.startApiServer();
      }
      await apply("patient", { firmware: { artifact: shell }, paused: true });
      await untilNow("patient", ({ phase }) => phase === "Paused");
      expect({ pods: await podUids("patient"), emulators: await lab.kubelet.emulators() }).toEqual(before);
    });
  }

  /** Turns of the operator's queue of instances. */
  async function activeInstances(): Promise<number> {
    const address = lab.operator?.address;
    if (address === undefined || !("port" in address)) throw new Error("the operator listens nowhere");
    const text = await (await fetch(`http://127.0.0.1:${address.port}/metrics`)).text();
    return Number(/^controller_runtime_active_workers\{[^}]*"emulatorinstance"[^}]*\} (\d+)$/m.exec(text)?.[1]);
  }
});
