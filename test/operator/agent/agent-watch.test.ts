import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { AgentClient } from "../../../src/client/agent-client.ts";
import { FarmError } from "../../../src/core/error/farm-error.ts";
import { createLog } from "../../../src/log/log.ts";
import { AgentWatch } from "../../../src/operator/agent/agent-watch.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** An agent that refuses connections, as one does that does not listen yet. */
function watchOf(isStarting: boolean) {
  let tries = 0;
  const client = {
    address: "https://192.0.2.1:8080",
    events(): AsyncIterable<never> {
      tries += 1;
      throw new FarmError("AgentLost", { agent: "a", detail: "connection refused" });
    },
    async [Symbol.asyncDispose]() {},
  } as unknown as AgentClient;
  const watch = new AgentWatch({
    client,
    renewal: { follow() {}, [Symbol.dispose]() {} },
    onChange() {},
    log: createLog({ level: "silent", name: "test" }),
    lossMs: 600_000,
    isStarting,
  });
  return { watch, tries: () => tries };
}

test("an agent that is starting is tried every 50 ms for five seconds, then ever more seldom", async () => {
  const { watch, tries } = watchOf(true);
  await using _ = watch;
  await vi.advanceTimersByTimeAsync(5_000);
  expect(tries()).toBe(101);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(tries()).toBeLessThan(112);
});

test("one whose pod becomes ready is tried at once, and one that stays so is left alone", async () => {
  const { watch, tries } = watchOf(false);
  await using _ = watch;
  watch.noteReadiness(false);
  await vi.advanceTimersByTimeAsync(20_000);
  const before = tries();
  watch.noteReadiness(true);
  await vi.advanceTimersByTimeAsync(0);
  expect(tries()).toBe(before + 1);
  watch.noteReadiness(true);
  await vi.advanceTimersByTimeAsync(0);
  expect(tries()).toBe(before + 1);
});
