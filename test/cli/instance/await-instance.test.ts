import { expect, it } from "vitest";
import type { InstanceObject } from "../../../src/cli/cluster/describe-object.ts";
import { awaitInstance } from "../../../src/cli/instance/await-instance.ts";

const NEVER = new AbortController().signal;
/** Longer than any test: nothing here waits for it. */
const LONG_MS = 600_000;

function seen(phase: string, status: "True" | "False", reason: string): InstanceObject {
  const lastTransitionTime = "2026-01-01T00:00:00Z";
  const ready = {
    type: "Ready",
    status,
    reason,
    message: `It is ${reason}.`,
    observedGeneration: 1,
    lastTransitionTime,
  };
  return {
    metadata: { name: "lamp", generation: 1 },
    spec: { board: "microbit" },
    status: { phase, conditions: [ready] },
  } as unknown as InstanceObject;
}

const STARTING = seen("Starting", "False", "Starting");
const RUNNING = seen("Running", "True", "Running");
const CRASHED = seen("Failed", "False", "GuestCrashed");
const ENDED = seen("Succeeded", "False", "GuestExited");

/** A place that tells these states, then nothing until nobody listens any more. */
function placeWith(...states: readonly InstanceObject[]) {
  return {
    async *follow(_name: string, signal: AbortSignal) {
      yield* states;
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    },
  };
}

it("an instance is awaited until it runs", async () => {
  expect(await awaitInstance(placeWith(STARTING, RUNNING, CRASHED), STARTING, NEVER, {})).toBe(RUNNING);
});

it("an instance that settles is told as what it became", async () => {
  const settling = { settlingMs: LONG_MS };
  expect(await awaitInstance(placeWith(STARTING, RUNNING, ENDED), STARTING, NEVER, settling)).toBe(ENDED);
  await expect(awaitInstance(placeWith(RUNNING, CRASHED), STARTING, NEVER, settling)).rejects.toMatchObject({
    code: "InstanceNotReady",
    message: "Instance lamp is not as it was asked for: It is GuestCrashed.",
    details: { reason: "GuestCrashed" },
  });
});

it("an instance that goes on running has settled after its time", async () => {
  expect(await awaitInstance(placeWith(RUNNING), STARTING, NEVER, { settlingMs: 1 })).toBe(RUNNING);
});

it("whoever interrupts gets no instance", async () => {
  const interruption = new AbortController();
  const awaited = awaitInstance(placeWith(STARTING), STARTING, interruption.signal, {});
  interruption.abort(new Error("Ctrl-C"));
  await expect(awaited).rejects.toThrow("Ctrl-C");
});
