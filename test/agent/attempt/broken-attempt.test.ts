import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { createAgentEvents } from "../../../src/agent/agent-events.ts";
import type { AttemptDependencies } from "../../../src/agent/attempt/attempt.ts";
import { Attempts } from "../../../src/agent/attempt/attempts.ts";
import { Spool } from "../../../src/agent/attempt/spool.ts";
import { createSlotPool } from "../../../src/agent/guest/slot-pool.ts";
import { createAgentMetrics } from "../../../src/agent/metrics.ts";
import { Slot } from "../../../src/agent/slot/slot.ts";
import { attemptSpec } from "../../../src/core/wire/attempt.ts";
import { createLog } from "../../../src/log/log.ts";
import { boardSpecOf } from "./agent-lab.ts";

const FAULT = new Error("nobody knows what it ran in");

/** Ends well, but the attempt cannot tell its result. */
const BROKEN_BOOT = {
  qmp: { greeting: undefined, onEvent: () => () => {} },
  running: Promise.resolve(),
  exited: Promise.resolve({ reason: "GuestShutdown" }),
  resets: 0,
  get emulator() {
    throw FAULT;
  },
  async [Symbol.asyncDispose]() {},
};

test("an attempt that breaks off by a fault of the farm is errored, and its slot is free again", async () => {
  const folder = await mkdtemp(join(tmpdir(), "broken-"));
  try {
    const slots = createSlotPool(
      [await Slot.open({ index: 0, folder: join(folder, "slot"), uid: undefined })],
      () => {},
    );
    const attempts = await Attempts.open({
      agentId: "agent",
      slots,
      spool: await Spool.open(join(folder, "spool")),
      events: createAgentEvents(),
      metrics: createAgentMetrics(new Registry(), slots),
      log: createLog({ name: "test", level: "silent" }),
      attempt: {
        boots: { rank: () => 0, boot: () => Promise.resolve(BROKEN_BOOT) },
        firmware: async () => ({ files: { image: "/none", format: "elf" }, [Symbol.dispose]() {} }),
      } as unknown as AttemptDependencies,
    });
    const spec = attemptSpec.parse({
      tenant: "test",
      boardName: "mps2-an385",
      board: await boardSpecOf("mps2-an385"),
      firmware: { sha256: "0".repeat(64) },
    });
    attempts.put("broken.1", spec, undefined);
    await attempts.allEnded();
    expect(attempts.get("broken.1")).toMatchObject({
      state: "finished",
      result: { verdict: "errored", error: { code: "Internal", details: { detail: FAULT.message } } },
    });
    expect(slots.freeSlots).toBe(1);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
