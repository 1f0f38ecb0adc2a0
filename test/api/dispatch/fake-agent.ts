import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { AgentClient } from "../../../src/client/agent-client.ts";
import { FarmError } from "../../../src/core/error/farm-error.ts";
import type { AgentEvent } from "../../../src/core/wire/agent-event.ts";
import type { AttemptResult, AttemptSpecInput, AttemptStatus } from "../../../src/core/wire/attempt.ts";

const LATE_MS = 20;

/** How a fake agent's guest ends: with a result, or never by itself. */
export type Behaviour = (id: string, spec: AttemptSpecInput) => Partial<AttemptResult> | "runs on";

export interface FakeAgent {
  readonly client: AgentClient;
  readonly attempts: Map<string, AttemptStatus>;
  /** Every id that was put, in order, repeated ones too. */
  readonly puts: string[];
  readonly cancelled: string[];
  readonly acknowledged: string[];
  readonly epochs: Set<number>;
  behaviour: Behaviour;
  /** True answers a request only when the attempt has ended and all its events are told. */
  isAnswerLate: boolean;
  /** Refuses so many attempts, as one does whose disk is full. */
  fullFor: number;
  /** Breaks the event stream; the agent is out of reach until `comeBack`. */
  goAway(): void;
  comeBack(): void;
  /** Comes back as another process, which knows nothing of what ran. */
  restart(): void;
  finish(id: string, result?: Partial<AttemptResult>): void;
}

export function resultOf(result: Partial<AttemptResult> = {}): AttemptResult {
  return {
    verdict: "passed",
    steps: [],
    testCases: [],
    logs: [{ uart: "uart0", bytes: 3, keptBytes: 3, base64: Buffer.from("ok\n").toString("base64") }],
    lastLines: ["ok"],
    resets: 0,
    boots: 1,
    startedAt: new Date().toISOString(),
    timings: { totalMs: 1 },
    ...result,
  };
}

/**
 * An agent for faults that a real one cannot be made to have on the spot. What it does when all is well is what the
 * documented API says; the whole-farm tests run real ones.
 */
export function createFakeAgent(name: string, slots: number): FakeAgent {
  const streams = new Set<(event: AgentEvent | undefined) => void>();
  const attempts = new Map<string, AttemptStatus>();
  let agentId = `${name}-${randomUUID()}`;
  let isAway = false;
  let epoch = 0;
  const lost = () => new FarmError("AgentLost", { agent: name, detail: "away" });
  const emit = (event: AgentEvent | undefined) => {
    for (const tell of [...streams]) tell(event);
  };
  const freeSlots = () => slots - [...attempts.values()].filter((one) => one.state !== "finished").length;
  const tellSlots = () => emit({ type: "slots", freeSlots: freeSlots(), isDraining: false });

  function finish(id: string, result?: Partial<AttemptResult>): void {
    const status = attempts.get(id);
    if (!status || status.state === "finished") return;
    const whole = resultOf(result);
    attempts.set(id, { ...status, state: "finished", result: whole });
    emit({ type: "attemptFinished", id, result: whole });
    tellSlots();
  }

  async function* events(signal?: AbortSignal): AsyncGenerator<AgentEvent> {
    if (isAway) throw lost();
    const pending: (AgentEvent | undefined)[] = [];
    let wake = Promise.withResolvers<void>();
    const tell = (event: AgentEvent | undefined) => {
      pending.push(event);
      wake.resolve();
    };
    streams.add(tell);
    signal?.addEventListener("abort", () => tell(undefined), { once: true });
    const known = [...attempts.values()];
    yield { type: "hello", agentId, slots, freeSlots: freeSlots(), isDraining: false, attempts: known, instances: [] };
    try {
      for (;;) {
        await wake.promise;
        wake = Promise.withResolvers();
        for (const event of pending.splice(0)) {
          signal?.throwIfAborted();
          if (event === undefined) throw lost();
          yield event;
        }
      }
    } finally {
      streams.delete(tell);
    }
  }

  const agent: FakeAgent = {
    attempts,
    puts: [],
    cancelled: [],
    acknowledged: [],
    epochs: new Set(),
    behaviour: () => ({}),
    isAnswerLate: false,
    fullFor: 0,
    goAway() {
      isAway = true;
      emit(undefined);
    },
    comeBack() {
      isAway = false;
    },
    restart() {
      agentId = `${name}-${randomUUID()}`;
      attempts.clear();
      emit(undefined);
      isAway = false;
    },
    finish,
    client: {
      address: `fake:${name}`,
      events,
      async putAttempt(id: string, spec: AttemptSpecInput, callersEpoch = 0) {
        if (isAway) throw lost();
        if (callersEpoch < epoch) throw new FarmError("StaleEpoch", { epoch: callersEpoch, current: epoch });
        epoch = callersEpoch;
        agent.epochs.add(callersEpoch);
        agent.puts.push(id);
        const known = attempts.get(id);
        if (known) return known;
        if (agent.fullFor > 0) {
          agent.fullFor -= 1;
          throw new FarmError("StoreFull", { folder: "/data" });
        }
        if (freeSlots() <= 0) throw new FarmError("NoFreeSlot", { slots });
        const status: AttemptStatus = { id, specDigest: "", state: "running" };
        attempts.set(id, status);
        tellSlots();
        const result = agent.behaviour(id, spec);
        if (result !== "runs on") setImmediate(() => finish(id, result));
        if (agent.isAnswerLate) await delay(LATE_MS);
        return status;
      },
      async cancelAttempt(id: string, reason: string) {
        if (isAway) throw lost();
        agent.cancelled.push(id);
        finish(id, { verdict: "cancelled", error: new FarmError("Cancelled", { reason }).toBody() });
        return attempts.get(id) as AttemptStatus;
      },
      async acknowledge(ids: readonly string[]) {
        if (isAway) throw lost();
        for (const id of ids) {
          agent.acknowledged.push(id);
          attempts.delete(id);
        }
      },
    } as unknown as AgentClient,
  };
  return agent;
}
