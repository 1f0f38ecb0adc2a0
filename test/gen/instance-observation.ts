import type { InstanceObservation, ObservedPod } from "../../src/core/policy/instance-observation.ts";
import { emulatorInstanceSpec } from "../../src/core/schema/emulator-instance.ts";
import type { InstanceStatus } from "../../src/core/wire/desired-state.ts";

export const NOW_MS = Date.parse("2026-05-01T12:00:00Z");
export const DIGEST = "a".repeat(64);

export function podOf(changes: Partial<ObservedPod> = {}): ObservedPod {
  return {
    name: "sensor-abcde",
    uid: "pod-1",
    createdMs: NOW_MS - 1_000,
    templateKey: "template",
    phase: "Running",
    nodeName: "node-1",
    isReady: true,
    ...changes,
  };
}

export function agentInstanceOf(changes: Partial<InstanceStatus> = {}): InstanceStatus {
  return {
    uid: "instance-1",
    generation: 1,
    revision: 0,
    digest: "wish",
    phase: "Running",
    isReady: true,
    boots: 1,
    restarts: 0,
    endpoints: [],
    firmware: DIGEST,
    isFirmwareLoaded: true,
    ...changes,
  };
}

/** An instance that is as it shall be. */
export function instanceSeen(changes: Partial<InstanceObservation> = {}, spec: object = {}): InstanceObservation {
  return {
    name: "sensor",
    namespace: "lab",
    generation: 1,
    createdMs: NOW_MS - 10_000,
    isDeleted: false,
    spec: emulatorInstanceSpec.parse({ board: "mps2-an385", firmware: { artifact: DIGEST }, ...spec }),
    board: { state: "found", isOutdated: false },
    templateKey: "template",
    pods: [podOf()],
    service: { state: "good", nodePorts: {} },
    leftovers: [],
    firmware: { state: "resolved", sha256: DIGEST },
    desiredDigest: "wish",
    agent: { state: "connected", instance: agentInstanceOf() },
    ...changes,
  };
}
