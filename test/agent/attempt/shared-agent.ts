import { afterAll, afterEach, beforeAll } from "vitest";
import type { AttemptSpecInput } from "../../../src/core/wire/attempt.ts";
import { AgentLab, EventLog } from "./agent-lab.ts";

/** One agent for all tests of a file. */
export interface SharedAgent {
  readonly lab: AgentLab;
  /** All that the agent has told since it is up. */
  readonly events: EventLog;
  /** Id of the next attempt. */
  nextId(): string;
  /** Puts an attempt, and returns its id. */
  put(spec: AttemptSpecInput): Promise<string>;
  /** Every attempt has given its slot back. */
  allSlotsFree(): Promise<void>;
}

/**
 * Starts an agent before the tests of a file, and ends it after them. What a test leaves running is cancelled, and the
 * next begins with all slots free.
 */
export function shareAgent(prefix: string): SharedAgent {
  let lab: AgentLab;
  let events: EventLog;
  let count = 0;
  beforeAll(async () => {
    lab = await AgentLab.start();
    events = new EventLog(lab.client);
  });
  afterEach(async () => {
    await lab.cancelAttempts();
    await allSlotsFree();
  });
  afterAll(async () => {
    await events[Symbol.asyncDispose]();
    await lab[Symbol.asyncDispose]();
  });
  async function allSlotsFree(): Promise<void> {
    await using fresh = new EventLog(lab.client);
    const hello = await fresh.until("hello");
    if (hello.freeSlots < hello.slots) await fresh.until("slots", ({ freeSlots }) => freeSlots === hello.slots);
  }

  const nextId = () => `${prefix}-${++count}.1`;
  return {
    get lab() {
      return lab;
    },
    get events() {
      return events;
    },
    nextId,
    async put(spec) {
      const id = nextId();
      await lab.client.putAttempt(id, spec);
      return id;
    },
    allSlotsFree,
  };
}
