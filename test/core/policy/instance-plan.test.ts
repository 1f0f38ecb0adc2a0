import { expect, test } from "vitest";
import type { InstanceObservation } from "../../../src/core/policy/instance-observation.ts";
import { type InstanceStep, planInstance } from "../../../src/core/policy/instance-plan.ts";
import { agentInstanceOf, DIGEST, instanceSeen, NOW_MS, podOf } from "../../gen/instance-observation.ts";

const problem = { reason: "Why", message: "Because." };
const deletion = (name: string, reason: string, isForced = false): InstanceStep => ({
  type: "deletePod",
  name,
  uid: "pod-1",
  isForced,
  reason,
});

test.each<[string, Partial<InstanceObservation>, object, InstanceStep[]]>([
  ["as it shall be: nothing", {}, {}, []],
  ["deleted: its children go with it", { isDeleted: true, pods: [], service: { state: "none" } }, {}, []],
  [
    "new: a pod at once, the service, and the firmware meanwhile",
    {
      pods: [],
      service: { state: "none" },
      firmware: { state: "unknown", isFirst: true },
      agent: undefined,
    },
    {},
    [{ type: "createPod" }, { type: "applyService" }, { type: "resolveFirmware" }],
  ],
  [
    "what an instance of the name before has left goes first",
    {
      service: { state: "leftover" },
      leftovers: [{ kind: "Service", name: "sensor", uid: "service-0", ownerUid: "instance-0" }],
    },
    {},
    [
      {
        type: "deleteLeftover",
        leftover: { kind: "Service", name: "sensor", uid: "service-0", ownerUid: "instance-0" },
      },
      { type: "applyService" },
    ],
  ],
  [
    "an outdated pod that has never begun is replaced, whatever the policy",
    {
      pods: [podOf({ phase: "Pending", isReady: false })],
      board: { state: "found", isOutdated: true },
      agent: undefined,
    },
    {},
    [deletion("sensor-abcde", "Outdated")],
  ],
  [
    "an outdated pod whose agent has been heard stays",
    { pods: [podOf({ phase: "Pending", isReady: false })], board: { state: "found", isOutdated: true } },
    {},
    [],
  ],
  ["in use: no end", { lastUsed: "inUse" }, { ttl: { after: "1s", from: "LastUsed" } }, []],
  [
    "not used for too long: the pod goes",
    { lastUsed: NOW_MS - 2_000 },
    { ttl: { after: "1s", from: "LastUsed" } },
    [deletion("sensor-abcde", "Expired")],
  ],
  ["without a board: no pod", { pods: [], agent: undefined, board: { state: "refused", problem } }, {}, []],
  ["a board that is gone: the pod that runs it stays", { board: { state: "refused", problem } }, {}, []],
  [
    "refused a moment ago: not at once again",
    { pods: [], agent: undefined, refusal: { problem, retryAtMs: NOW_MS + 500 } },
    {},
    [],
  ],
  [
    "refused a while ago: again",
    { pods: [], agent: undefined, refusal: { problem, retryAtMs: NOW_MS } },
    {},
    [{ type: "createPod" }],
  ],
  ["another template: the pod goes first", { templateKey: "new" }, {}, [deletion("sensor-abcde", "TemplateChanged")]],
  [
    "a pod on its way out: the next one waits for its end",
    {
      pods: [podOf({ goneByMs: NOW_MS + 1_000 })],
      agent: undefined,
    },
    {},
    [],
  ],
  [
    "a pod that should have gone long ago: its node is silent",
    {
      pods: [podOf({ goneByMs: NOW_MS - 60_000 })],
      agent: undefined,
    },
    {},
    [deletion("sensor-abcde", "NodeLost", true)],
  ],
  [
    "an ended pod is cleared away, and only then followed by another",
    {
      pods: [podOf({ phase: "Failed" })],
      agent: undefined,
    },
    {},
    [deletion("sensor-abcde", "PodEnded")],
  ],
  [
    "two pods: the one that serves is kept",
    {
      pods: [podOf({ name: "idle", isReady: false, createdMs: 0 }), podOf()],
    },
    {},
    [deletion("idle", "Surplus")],
  ],
  [
    "two pods that both do not serve: the older one is kept",
    {
      pods: [podOf({ isReady: false }), podOf({ name: "older", isReady: false, createdMs: 0 })],
    },
    {},
    [deletion("sensor-abcde", "Surplus")],
  ],
  ["its time is over: the pod goes", {}, { ttl: { after: "5s" } }, [deletion("sensor-abcde", "Expired")]],
  [
    "its time is over and the pod has gone: nothing comes back",
    { pods: [], agent: undefined },
    { ttl: { after: "5s" } },
    [],
  ],
  ["its time is over, and it shall go", {}, { ttl: { after: "5s", then: "Delete" } }, [{ type: "deleteInstance" }]],
  ["no service is wanted", { service: { state: "none" } }, { expose: "None" }, []],
  [
    "a service is wanted no more",
    {
      service: { state: "different", mustBeReplaced: true, uid: "service-1" },
    },
    { expose: "None" },
    [{ type: "deleteService", uid: "service-1" }],
  ],
  [
    "another kind of service: made anew",
    {
      service: { state: "different", mustBeReplaced: true, uid: "service-1" },
    },
    { expose: "Headless" },
    [{ type: "deleteService", uid: "service-1" }, { type: "applyService" }],
  ],
  [
    "other ports: the service is changed",
    {
      service: { state: "different", mustBeReplaced: false, uid: "service-1" },
    },
    {},
    [{ type: "applyService" }],
  ],
  ["somebody else's service is left alone", { service: { state: "foreign" } }, {}, []],
  ["a newer spec: the agent is told", { generation: 2 }, {}, [{ type: "putDesired" }]],
  ["the same spec, but other bytes: the agent is told", { desiredDigest: "other" }, {}, [{ type: "putDesired" }]],
  ["what the board does not have is not asked of the agent", { generation: 2, unsupported: problem }, {}, []],
  ["an agent that knows nothing is told", { agent: { state: "connected" } }, {}, [{ type: "putDesired" }]],
  [
    "no firmware is asked for: told at once",
    {
      firmware: { state: "none" },
      agent: { state: "connected" },
    },
    {},
    [{ type: "putDesired" }],
  ],
  [
    "firmware that is not there yet: not told",
    {
      generation: 2,
      firmware: { state: "resolving", isFirst: false },
    },
    {},
    [],
  ],
  [
    "firmware that failed is tried again when it is time",
    {
      generation: 2,
      firmware: { state: "failed", problem, retryAtMs: NOW_MS, isFirst: false },
    },
    {},
    [{ type: "resolveFirmware" }],
  ],
  ["an agent that is not connected cannot be told", { generation: 2, agent: { state: "lost", problem } }, {}, []],
  ["outdated: the pod stays until somebody deletes it", { board: { state: "found", isOutdated: true } }, {}, []],
  ["outdated and busy: it stays", { board: { state: "found", isOutdated: true } }, { updatePolicy: "WhenIdle" }, []],
  [
    "outdated and off: another pod",
    {
      board: { state: "found", isOutdated: true },
      agent: { state: "connected", instance: agentInstanceOf({ phase: "PoweredOff" }) },
    },
    { updatePolicy: "WhenIdle" },
    [deletion("sensor-abcde", "Outdated")],
  ],
])("%s", (_name, changes, spec, steps) => {
  expect(planInstance(instanceSeen(changes, spec), NOW_MS).steps).toEqual(steps);
});

test.each<[string, Partial<InstanceObservation>, object, number | undefined]>([
  ["nothing is due", {}, {}, undefined],
  ["the end of its time", {}, { ttl: { after: "1m" } }, 50_000],
  ["the next try of a pod", { pods: [], refusal: { problem, retryAtMs: NOW_MS + 700 } }, {}, 700],
  [
    "the next try of firmware",
    { firmware: { state: "failed", problem, retryAtMs: NOW_MS + 900, isFirst: false } },
    {},
    900,
  ],
  ["the end of patience with a silent node", { pods: [podOf({ goneByMs: NOW_MS + 1_000 })] }, {}, 6_000],
])("is looked at again for %s", (_name, changes, spec, requeueAfterMs) => {
  expect(planInstance(instanceSeen(changes, spec), NOW_MS).requeueAfterMs).toBe(requeueAfterMs);
});

test("the firmware of the generation is no part of the plan's memory: it is told by its digest", () => {
  const seen = instanceSeen({ firmware: { state: "resolved", sha256: DIGEST } });
  expect(planInstance(seen, NOW_MS)).toEqual({ steps: [] });
});
