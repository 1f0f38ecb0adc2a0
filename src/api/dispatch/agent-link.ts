import type { AgentClient } from "../../client/agent-client.ts";
import { BackOff } from "../../client/back-off.ts";
import { followEvents } from "../../client/follow-events.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import type { AgentEvent } from "../../core/wire/agent-event.ts";
import type { AttemptResult, AttemptStatus } from "../../core/wire/attempt.ts";
import type { Log } from "../../log/log.ts";

/** What an agent tells. None of them may throw. */
export interface AgentLinkEvents {
  /** Everything that the agent has, after each connection. */
  onHello(link: AgentLink, attempts: readonly AttemptStatus[]): void;
  onFinished(link: AgentLink, attemptId: string, result: AttemptResult): void;
  onSlots(link: AgentLink): void;
  /** The agent has not come back in time. */
  onLost(link: AgentLink): void;
}

export interface AgentLinkDependencies {
  readonly client: AgentClient;
  readonly events: AgentLinkEvents;
  readonly log: Log;
  /** How long an agent may be away before its attempts are tried elsewhere. */
  readonly lossMs: number;
}

/** A slot that was taken on this side, until the agent has answered. */
export interface TakenSlot {
  readonly link: AgentLink;
  readonly attemptId: string;
  /** Number of slot events that had come when it was taken. */
  readonly eventCount: number;
}

const RECONNECT = { firstMs: 50, longestMs: 2_000 };
const ACKNOWLEDGE_AFTER_MS = 250;

/** One agent as the dispatcher sees it, for as long as the dispatcher has its lease. */
export class AgentLink implements Disposable {
  readonly client: AgentClient;
  readonly address: string;
  /** Id of the agent process; the address until it has said it. */
  agentId: string;
  isConnected = false;
  isDraining = false;
  /** True when the agent has gone for good. */
  hasLeft = false;
  slots = 0;
  readonly #events: AgentLinkEvents;
  readonly #log: Log;
  readonly #lossMs: number;
  readonly #closing = new AbortController();
  /** Attempts that are taken to run there. */
  readonly #busy = new Set<string>();
  readonly #inFlight = new Set<string>();
  /** Free slots as the agent said last, and how many were taken since, as far as that is known. */
  #announcedFree = 0;
  #uncounted = 0;
  #eventCount = 0;
  #stream = new AbortController();
  #lossTimer: NodeJS.Timeout | undefined;
  #isLost = false;
  #toAcknowledge = new Set<string>();
  #acknowledgeTimer: NodeJS.Timeout | undefined;
  #standing = Promise.withResolvers<void>();

  constructor(dependencies: AgentLinkDependencies) {
    this.client = dependencies.client;
    this.address = dependencies.client.address;
    this.agentId = this.address;
    this.#events = dependencies.events;
    this.#log = dependencies.log.child({ agent: this.address });
    this.#lossMs = dependencies.lossMs;
  }

  /** Connects, and stays connected until disposed. */
  open(): void {
    this.#startLossTimer();
    const { signal } = this.#closing;
    void followEvents({
      open: () => {
        this.#stream = new AbortController();
        return this.client.events(AbortSignal.any([signal, this.#stream.signal]));
      },
      onEvent: (event) => this.#apply(event),
      onBroken: (error) => this.#disconnected(error),
      signal,
      backOff: new BackOff(RECONNECT),
    });
  }

  /** True when the agent has been away for too long. */
  get isLost(): boolean {
    return this.#isLost;
  }

  get isUsable(): boolean {
    return this.isConnected && !this.isDraining && this.slots > 0;
  }

  get freeSlots(): number {
    if (!this.isUsable) return 0;
    return Math.max(0, Math.min(this.#announcedFree - this.#uncounted, this.slots - this.#busy.size));
  }

  /** Settles once the agent has told what it has, or has been away for too long. */
  async untilKnown(): Promise<void> {
    if (!this.isConnected && !this.#isLost) await this.#standing.promise;
  }

  take(attemptId: string): TakenSlot {
    this.#busy.add(attemptId);
    this.#inFlight.add(attemptId);
    this.#uncounted += 1;
    return { link: this, attemptId, eventCount: this.#eventCount };
  }

  /**
   * Ends the uncertainty about a slot. The agent's events and its answers come over different connections in any
   * order: a slot event since the request may or may not have counted it. Taken for counted, the worst is a 409.
   */
  settle(taken: TakenSlot, answer: "accepted" | "refused" | "unused"): void {
    this.#inFlight.delete(taken.attemptId);
    const hasHeardSince = taken.eventCount !== this.#eventCount;
    if (answer === "unused" || hasHeardSince) this.#uncounted = Math.max(0, this.#uncounted - 1);
    if (answer !== "accepted") this.#busy.delete(taken.attemptId);
    if (answer === "refused" && !hasHeardSince) this.#announcedFree = 0;
    // A short attempt's events may all have come before the answer: no later one would tell of the slot.
    if (this.freeSlots > 0) this.#events.onSlots(this);
  }

  /** Asks the agent to forget attempts, a batch at a time. What gets lost is told again with the next hello. */
  acknowledge(attemptId: string): void {
    this.#toAcknowledge.add(attemptId);
    this.#acknowledgeTimer ??= setTimeout(() => void this.#sendAcknowledgements(), ACKNOWLEDGE_AFTER_MS);
  }

  cancel(attemptId: string, reason: string): void {
    this.client.cancelAttempt(attemptId, reason).catch((error: unknown) => {
      // The attempt is gone already, or the agent is: its next hello tells, and the cancellation is looked up again.
      this.#log.debug({ err: error, attemptId }, "an attempt could not be cancelled");
    });
  }

  /** The agent has gone for good: its attempts are tried elsewhere. */
  leave(): void {
    this[Symbol.dispose]();
    this.isConnected = false;
    this.#isLost = true;
    this.hasLeft = true;
    this.#events.onLost(this);
  }

  /** Connects anew, so that the agent tells what it has. */
  refresh(): void {
    this.#stream.abort(new FarmError("AgentLost", { agent: this.address, detail: "asking it anew" }));
  }

  [Symbol.dispose](): void {
    this.#closing.abort(new FarmError("Cancelled", { reason: "the dispatcher's term has ended" }));
    clearTimeout(this.#lossTimer);
    clearTimeout(this.#acknowledgeTimer);
    this.#standing.resolve();
  }

  #apply(event: AgentEvent): void {
    switch (event.type) {
      case "hello":
        this.#applyHello(event);
        break;
      case "slots":
        this.#setFree(event.freeSlots, event.isDraining);
        this.#events.onSlots(this);
        break;
      case "attemptFinished":
        this.#busy.delete(event.id);
        this.#events.onFinished(this, event.id, event.result);
        break;
      case "attemptRunning":
      case "attemptReady":
      case "instance":
      case "instanceDeleted":
        break;
    }
  }

  #applyHello(hello: AgentEvent & { type: "hello" }): void {
    clearTimeout(this.#lossTimer);
    this.#lossTimer = undefined;
    this.#isLost = false;
    this.isConnected = true;
    this.agentId = hello.agentId;
    this.slots = hello.slots;
    this.#busy.clear();
    for (const { id, state } of hello.attempts) if (state !== "finished") this.#busy.add(id);
    for (const id of this.#inFlight) this.#busy.add(id);
    this.#setFree(hello.freeSlots, hello.isDraining);
    this.#log.info({ agentId: hello.agentId, slots: hello.slots, attempts: hello.attempts.length }, "agent connected");
    this.#events.onHello(this, hello.attempts);
    this.#standing.resolve();
    this.#events.onSlots(this);
  }

  #setFree(freeSlots: number, isDraining: boolean): void {
    this.#announcedFree = freeSlots;
    this.#uncounted = this.#inFlight.size;
    this.#eventCount += 1;
    this.isDraining = isDraining;
  }

  #disconnected(error: unknown): void {
    if (this.isConnected) {
      this.#log.warn({ err: error }, "the connection to the agent was lost");
      this.#standing = Promise.withResolvers();
    }
    this.isConnected = false;
    this.#startLossTimer();
  }

  #startLossTimer(): void {
    if (this.#isLost) return;
    this.#lossTimer ??= setTimeout(() => {
      this.#lossTimer = undefined;
      this.#isLost = true;
      this.#log.error({ lossMs: this.#lossMs }, "the agent has not come back; its attempts are tried elsewhere");
      this.#standing.resolve();
      this.#events.onLost(this);
    }, this.#lossMs);
  }

  async #sendAcknowledgements(): Promise<void> {
    const ids = [...this.#toAcknowledge];
    this.#toAcknowledge.clear();
    try {
      await this.client.acknowledge(ids);
    } catch (error) {
      // The agent tells of these attempts again when it is back, and gets them acknowledged then.
      this.#log.debug({ err: error }, "attempts could not be acknowledged");
    } finally {
      this.#acknowledgeTimer = undefined;
      const first = this.#toAcknowledge.values().next().value;
      if (first !== undefined && !this.#closing.signal.aborted) this.acknowledge(first);
    }
  }
}
