import { expect, test } from "vitest";
import { FarmError } from "../../../src/core/error/farm-error.ts";
import { instanceObjectStatus } from "../../../src/core/policy/instance-object-status.ts";
import type { InstanceObservation } from "../../../src/core/policy/instance-observation.ts";
import { emulatorInstanceStatus } from "../../../src/core/schema/emulator-instance-status.ts";
import { agentInstanceOf, DIGEST, instanceSeen, NOW_MS, podOf } from "../../gen/instance-observation.ts";

const facts = { ports: [{ name: "http", port: 8080 }] };
const problem = { reason: "Why", message: "Because." };

function statusOf(changes: Partial<InstanceObservation>, spec: object = {}) {
  return instanceObjectStatus(instanceSeen(changes, spec), facts, undefined, NOW_MS);
}

const connected = (instance: Parameters<typeof agentInstanceOf>[0]) => ({
  agent: { state: "connected" as const, instance: agentInstanceOf(instance) },
});

test.each<[string, Partial<InstanceObservation>, object, string, string, "True" | "False"]>([
  ["runs", {}, {}, "Running", "Running", "True"],
  ["is off, as asked", connected({ phase: "PoweredOff" }), { power: "Off" }, "PoweredOff", "PoweredOff", "True"],
  ["is paused, as asked", connected({ phase: "Paused" }), { paused: true }, "Paused", "Paused", "True"],
  ["is too young to be known", { pods: [], agent: undefined }, {}, "Scheduling", "NoPod", "False"],
  ["has no board", { pods: [], agent: undefined, board: { state: "refused", problem } }, {}, "Pending", "Why", "False"],
  [
    "cannot have a pod",
    { pods: [], agent: undefined, refusal: { problem, retryAtMs: 0 } },
    {},
    "Pending",
    "Why",
    "False",
  ],
  [
    "has a pod that no node takes",
    {
      pods: [
        podOf({ nodeName: undefined, phase: "Pending", problem: { reason: "Unschedulable", message: "0/3 nodes." } }),
      ],
      agent: undefined,
    },
    {},
    "Scheduling",
    "Unschedulable",
    "False",
  ],
  [
    "has a pod whose image is missing",
    {
      pods: [
        podOf({ phase: "Pending", isReady: false, problem: { reason: "ErrImagePull", message: "no such image" } }),
      ],
      agent: { state: "connecting" },
    },
    {},
    "Starting",
    "ErrImagePull",
    "False",
  ],
  ["has lost its agent", { agent: { state: "lost", problem } }, {}, "Unknown", "Why", "False"],
  [
    "cannot get its firmware",
    { firmware: { state: "failed", problem, retryAtMs: 0, isFirst: false } },
    {},
    "Running",
    "Why",
    "False",
  ],
  ["asks for a channel that its board does not have", { unsupported: problem }, {}, "Running", "Why", "False"],
  ["has a newer spec than its agent", { generation: 2 }, {}, "Running", "Updating", "False"],
  ["is told what its agent refuses", { generation: 2, refusedByAgent: problem }, {}, "Running", "Why", "False"],
  ["starts", connected({ phase: "Starting", isReady: false }), {}, "Starting", "Starting", "False"],
  ["runs, but is not ready", connected({ isReady: false }), {}, "Running", "NotReady", "False"],
  [
    "has ended well",
    connected({
      phase: "Succeeded",
      isReady: false,
      lastExit: { reason: "GuestExited", code: 0 },
    }),
    {},
    "Succeeded",
    "GuestExited",
    "False",
  ],
  [
    "has crashed",
    connected({
      phase: "Failed",
      isReady: false,
      lastExit: { reason: "GuestCrashed", detail: "Lockup" },
    }),
    {},
    "Failed",
    "GuestCrashed",
    "False",
  ],
  [
    "could not start",
    connected({
      phase: "Failed",
      isReady: false,
      error: new FarmError("EmulatorRefused", { code: 1, stderr: "no" }).toBody(),
    }),
    {},
    "Failed",
    "EmulatorRefused",
    "False",
  ],
  [
    "shares its name with a foreign service",
    { service: { state: "foreign" } },
    {},
    "Running",
    "ServiceNameTaken",
    "False",
  ],
  ["has had its time", {}, { ttl: { after: "1s" } }, "Stopped", "Expired", "False"],
])("an instance that %s says so", (_what, changes, spec, phase, reason, status) => {
  const told = statusOf(changes, spec);
  expect(emulatorInstanceStatus.parse(told)).toEqual(told);
  expect(told).toMatchObject({ phase, observedGeneration: changes.generation ?? 1 });
  expect(told.conditions?.[0]).toMatchObject({ type: "Ready", status, reason });
  for (const { message } of told.conditions ?? []) expect(message).not.toBe("");
});

test("the status of a running instance tells where it is, by whom, and with what", () => {
  expect(statusOf({ service: { state: "good", nodePorts: { http: 30_080 } } }, { expose: "NodePort" })).toMatchObject({
    address: "sensor.lab.svc",
    endpoints: [{ name: "http", port: 8080, nodePort: 30_080 }],
    podName: "sensor-abcde",
    nodeName: "node-1",
    storage: "Ephemeral",
    restarts: 0,
  });
  expect(statusOf({}, { expose: "None" })).not.toHaveProperty("address");
});

test("a condition keeps the time of its transition until its status changes", () => {
  const before = statusOf(connected({ phase: "Starting", isReady: false }));
  const later = NOW_MS + 30_000;
  const still = instanceObjectStatus(instanceSeen(connected({ isReady: false })), facts, before, later);
  const timeOf = (status: typeof before, type: string) =>
    status.conditions?.find((one) => one.type === type)?.lastTransitionTime;
  expect(timeOf(still, "Ready")).toBe("2026-05-01T12:00:00Z");
  expect(timeOf(still, "EmulatorRunning")).toBe("2026-05-01T12:00:30Z");
});

test("a new leader that has not heard of the agent yet changes nothing", () => {
  const before = statusOf({});
  const seen = instanceSeen({ agent: { state: "connecting" } });
  expect(instanceObjectStatus(seen, facts, before, NOW_MS + 5_000)).toBe(before);
  const changed = instanceSeen({ agent: { state: "connecting" }, generation: 2 });
  expect(instanceObjectStatus(changed, facts, before, NOW_MS + 5_000)).toMatchObject({
    phase: "Running",
    observedGeneration: 2,
  });
});

test("what keeps a board from coming up is told before its agent has answered", () => {
  const agent = { state: "connecting" as const };
  const before = instanceObjectStatus(instanceSeen({ agent }), facts, undefined, NOW_MS);
  const wrong = { state: "failed" as const, problem, retryAtMs: 0, isFirst: false };
  const after = instanceObjectStatus(instanceSeen({ agent, firmware: wrong }), facts, before, NOW_MS);
  for (const type of ["Ready", "FirmwareLoaded"]) {
    expect(after.conditions?.find((one) => one.type === type)).toMatchObject({ status: "False", reason: "Why" });
  }
  expect(after.conditions?.find(({ type }) => type === "AgentConnected")?.reason).toBe("Connecting");
  // Of a board that has run, a new leader says nothing until it has heard the agent.
  const ran = statusOf({});
  expect(instanceObjectStatus(instanceSeen({ agent, firmware: wrong }), facts, ran, NOW_MS)).toBe(ran);
});

test("a new leader whose farm does not answer it yet changes nothing of a board that runs as its spec asks", () => {
  const before = statusOf({});
  const away = { state: "failed" as const, problem, retryAtMs: 0 };
  const seen = instanceSeen({ firmware: { ...away, isFirst: true }, desiredDigest: undefined });
  expect(instanceObjectStatus(seen, facts, before, NOW_MS + 5_000)).toBe(before);
  // That the firmware is wrong is told, whoever leads; and so is what keeps a newer spec from being carried out.
  const wrong = instanceSeen({ firmware: { ...away, isFirst: false }, desiredDigest: undefined });
  const newer = instanceSeen({ firmware: { ...away, isFirst: true }, desiredDigest: undefined, generation: 2 });
  for (const told of [wrong, newer]) {
    const { conditions } = instanceObjectStatus(told, facts, before, NOW_MS + 5_000);
    expect(conditions?.find(({ type }) => type === "Ready")).toMatchObject({ status: "False", reason: "Why" });
  }
});

test("what became of a lost pod stays told when the next one runs", () => {
  const before = statusOf({});
  const evicted = podOf({
    phase: "Failed",
    isReady: false,
    problem: { reason: "Evicted", message: "The node was low on memory." },
  });
  const lost = instanceObjectStatus(instanceSeen({ pods: [evicted], agent: undefined }), facts, before, NOW_MS);
  expect(lost).toMatchObject({
    phase: "Scheduling",
    lastExit: {
      reason: "EmulatorKilled",
      detail: "pod sensor-abcde: The node was low on memory.",
      time: "2026-05-01T12:00:00Z",
    },
  });
  const next = instanceSeen({ pods: [podOf({ name: "sensor-fghij", uid: "pod-2" })] });
  expect(instanceObjectStatus(next, facts, lost, NOW_MS + 9_000)).toMatchObject({
    phase: "Running",
    lastExit: lost.lastExit,
  });
});

test.each([
  ["nobody has heard of yet", { state: "connecting" }],
  ["is given up", { state: "lost", problem: { reason: "AgentLost", message: "No answer." } }],
] as const)("a pod without its image says so, though its agent %s", (_what, agent) => {
  const waiting = instanceSeen({ pods: [podOf({ isReady: false })], agent: { state: "connecting" } });
  const before = instanceObjectStatus(waiting, facts, undefined, NOW_MS);
  const problem = { reason: "ErrImageNeverPull", message: "no such image" };
  const seen = instanceSeen({ pods: [podOf({ isReady: false, problem })], agent });
  const status = instanceObjectStatus(seen, facts, before, NOW_MS);
  expect(status.phase).toBe("Starting");
  expect(status.conditions?.[0]).toMatchObject({ type: "Ready", status: "False", ...problem });
});

test("an agent that was killed in its pod took its guest along, until the guest ends by itself", () => {
  const agentEnd = { message: "the agent ended with code 137 (OOMKilled)", atMs: NOW_MS - 5_000 };
  const pods = [podOf({ agentEnd })];
  const taken = {
    reason: "EmulatorKilled",
    detail: "pod sensor-abcde: the agent ended with code 137 (OOMKilled)",
    time: "2026-05-01T11:59:55Z",
  };
  expect(statusOf({ ...connected({}), pods }).lastExit).toEqual(taken);
  const lastExit = { reason: "GuestExited", code: 3 } as const;
  const since = (atMs: number) => connected({ lastExit, lastExitAt: new Date(atMs).toISOString() });
  expect(statusOf({ ...since(NOW_MS - 9_000), pods }).lastExit).toEqual(taken);
  expect(statusOf({ ...since(NOW_MS - 1_000), pods }).lastExit).toMatchObject(lastExit);
});

test("how the guest ended comes with its time and its last words", () => {
  const ended = connected({
    phase: "Failed",
    isReady: false,
    firmware: DIGEST,
    lastExit: { reason: "GuestExited", code: 3 },
    lastExitAt: "2026-05-01T11:59:58.123Z",
    lastLines: ["about to end", "x".repeat(2_000)],
    emulator: { binary: "qemu-system-arm", version: "10.0.2", accelerator: "tcg" },
  });
  const status = statusOf(ended);
  expect(status.lastExit).toEqual({
    reason: "GuestExited",
    code: 3,
    time: "2026-05-01T11:59:58Z",
    lastLines: ["about to end", "x".repeat(1_024)],
  });
  expect(status.emulator).toEqual({ binary: "qemu-system-arm", version: "10.0.2", accelerator: "tcg" });
  expect(status.conditions?.find(({ type }) => type === "Accelerated")).toMatchObject({ status: "False" });
});
