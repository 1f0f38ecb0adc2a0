import { expect, test } from "vitest";
import type { LastUse, ObservedAgent } from "../../../src/core/policy/instance-observation.ts";
import { lastUseOf } from "../../../src/core/policy/last-use.ts";
import { agentInstanceOf } from "../../gen/instance-observation.ts";

const ttl = { after: "1h", from: "LastUsed", then: "Stop" } as const;
const said = (changes: object): ObservedAgent => ({ state: "connected", instance: agentInstanceOf(changes) });
const AT = "2026-05-01T11:00:00.000Z";

test.each<[string, ObservedAgent | undefined, object | undefined, LastUse | undefined]>([
  ["somebody uses it", said({ isInUse: true, lastUsedAt: AT }), undefined, "inUse"],
  ["nobody does any more", said({ isInUse: false, lastUsedAt: AT }), undefined, Date.parse(AT)],
  ["its pod has gone, its end was told", undefined, { expiresAt: "2026-05-01T12:00:00Z", restarts: 0 }, Date.parse(AT)],
  ["its pod went while somebody used it", undefined, { restarts: 0 }, "inUse"],
  ["it has never had an agent", undefined, {}, undefined],
  ["nothing is known yet", { state: "connecting" }, undefined, undefined],
])("%s", (_what, agent, before, use) => {
  expect(lastUseOf(agent, before, ttl)).toBe(use);
});

test("an end that counts from the creation does not depend on it", () => {
  expect(lastUseOf(said({ isInUse: true }), undefined, { ...ttl, from: "Created" })).toBeUndefined();
});
