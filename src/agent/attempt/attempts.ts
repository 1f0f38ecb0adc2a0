import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { FarmError } from "../../core/error/farm-error.ts";
import type { AttemptArtifact } from "../../core/wire/artifact.ts";
import type { AttemptResult, AttemptSpec, AttemptStatus } from "../../core/wire/attempt.ts";
import type { Log } from "../../log/log.ts";
import type { AgentEvents } from "../agent-events.ts";
import type { SlotPool } from "../guest/slot-pool.ts";
import type { AgentMetrics } from "../metrics.ts";
import { LOG_PART_BYTES } from "../uart/uart-log.ts";
import { artifactFolder, artifactPath } from "./artifacts.ts";
import { Attempt, type AttemptDependencies } from "./attempt.ts";
import { readClosedLog } from "./closed-log.ts";
import { KeptResults } from "./kept-results.ts";
import { lostResult } from "./lost-result.ts";
import { specDigest } from "./spec-digest.ts";
import type { Spool, SpooledAttempt } from "./spool.ts";

export interface AttemptsDependencies {
  readonly agentId: string;
  readonly slots: SlotPool;
  readonly spool: Spool;
  readonly events: AgentEvents;
  readonly metrics: AgentMetrics;
  readonly log: Log;
  readonly attempt: AttemptDependencies;
}

export interface LogRange {
  readonly offset: number;
  readonly isFollowed: boolean;
  readonly signal: AbortSignal;
}

/** An attempt whose verdict does not stand yet. */
interface Running {
  readonly attempt: Attempt;
  readonly specDigest: string;
}

/** Every attempt that the agent has: those that run, and the results that nobody has acknowledged yet. */
export class Attempts {
  readonly #dependencies: AttemptsDependencies;
  readonly #running = new Map<string, Running>();
  /** One for each slot that is taken; they settle when it is free again, some time after the verdict. */
  readonly #taken = new Set<Promise<void>>();
  readonly #kept: KeptResults;

  private constructor(dependencies: AttemptsDependencies) {
    this.#dependencies = dependencies;
    this.#kept = new KeptResults((ids) => this.#forget(ids));
  }

  /** Takes up what a predecessor has left: results as they are, what ran when it was killed as lost. */
  static async open(dependencies: AttemptsDependencies): Promise<Attempts> {
    const attempts = new Attempts(dependencies);
    const { spool, agentId } = dependencies;
    for (const left of spool.attempts) {
      const result = left.result ?? (await lostResult(left, spool.logFolder(left.id), agentId));
      if (!left.result) attempts.#spoolResult(left.id, result);
      attempts.#kept.add({ ...left, result });
    }
    return attempts;
  }

  /**
   * Starts an attempt, or finds the one that has this id and content already.
   * @throws {FarmError} StaleEpoch, AttemptConflict, NoFreeSlot, Draining, StoreFull
   */
  put(id: string, spec: AttemptSpec, epoch: number | undefined): { status: AttemptStatus; isNew: boolean } {
    this.checkEpoch(epoch);
    const digest = specDigest(spec);
    const known = this.#find(id);
    if (known && known.specDigest !== digest) throw new FarmError("AttemptConflict", { attempt: id });
    if (known) return { status: known, isNew: false };
    return { status: this.#start(id, spec, digest), isNew: true };
  }

  /** Remembers the highest epoch and refuses older ones. @throws {FarmError} StaleEpoch */
  checkEpoch(epoch: number | undefined): void {
    const { spool } = this.#dependencies;
    if (epoch === undefined || epoch === spool.epoch) return;
    if (epoch < spool.epoch) throw new FarmError("StaleEpoch", { epoch, current: spool.epoch });
    spool.raiseEpoch(epoch);
  }

  /** Highest epoch of a dispatcher that was seen. */
  get epoch(): number {
    return this.#dependencies.spool.epoch;
  }

  list(): AttemptStatus[] {
    return [...this.#running.keys(), ...this.#kept.ids].map((id) => this.get(id));
  }

  /** @throws {FarmError} NotFound */
  get(id: string): AttemptStatus {
    const status = this.#find(id);
    if (!status) throw new FarmError("NotFound", { kind: "attempt", name: id });
    return status;
  }

  /** The attempt until its verdict stands. */
  running(id: string): Attempt | undefined {
    return this.#running.get(id)?.attempt;
  }

  /** Cancels it unless it has finished. @throws {FarmError} NotFound */
  cancel(id: string, reason: string): AttemptStatus {
    this.get(id);
    this.running(id)?.abort(new FarmError("Cancelled", { reason }));
    return this.get(id);
  }

  /** Forgets what has finished; what is unknown or still runs is left alone. */
  async acknowledge(ids: readonly string[]): Promise<void> {
    await this.#forget(ids.filter((id) => this.#kept.delete(id)));
  }

  /** @throws {FarmError} NotFound */
  readLog(id: string, uart: string, range: LogRange): AsyncGenerator<Buffer> {
    const hub = this.running(id)?.hubs.find(({ name }) => name === uart);
    if (hub) return hub.log.read(range.offset, { follow: range.isFollowed, signal: range.signal });
    const kept = this.#kept.get(id);
    const log = kept?.result.logs.find((one) => one.uart === uart);
    if (!kept || !log) throw new FarmError("NotFound", { kind: "log", name: `${uart} of attempt ${id}` });
    if (log.base64 !== undefined) return inlineLog(log.base64, range.offset);
    const path = `${this.#dependencies.spool.logFolder(id)}/${uart}.log`;
    return readClosedLog(path, LOG_PART_BYTES, range.offset, log.bytes);
  }

  /** A file that a finished attempt has made. @throws {FarmError} NotFound */
  openArtifact(id: string, name: string): { readonly artifact: AttemptArtifact; readonly bytes: Readable } {
    const artifact = this.#kept.get(id)?.result.artifacts?.find((one) => one.name === name);
    if (!artifact) throw new FarmError("NotFound", { kind: "artifact", name: `${name} of a finished attempt ${id}` });
    const folder = artifactFolder(this.#dependencies.spool.logFolder(id));
    return { artifact, bytes: createReadStream(artifactPath(folder, name)) };
  }

  /** Ends all that run with this error. */
  abortAll(error: FarmError): void {
    for (const { attempt } of this.#running.values()) attempt.abort(error);
  }

  /** Settles when none runs any more and every slot is free. */
  async allEnded(): Promise<void> {
    while (this.#taken.size > 0) await Promise.all(this.#taken);
  }

  #find(id: string): AttemptStatus | undefined {
    const kept = this.#kept.get(id);
    if (kept) return { id, specDigest: kept.specDigest, state: "finished", result: kept.result };
    const running = this.#running.get(id);
    if (!running) return undefined;
    return { id, specDigest: running.specDigest, state: running.attempt.hasRun ? "running" : "preparing" };
  }

  #start(id: string, spec: AttemptSpec, digest: string): AttemptStatus {
    const { slots, spool, events, log } = this.#dependencies;
    const slot = slots.take((one) => this.#dependencies.attempt.boots.rank(one, spec));
    const attempt = new Attempt(
      {
        id,
        spec,
        slot,
        logFolder: spool.logFolder(id),
        events: {
          onRunning: () => events.emit({ type: "attemptRunning", id }),
          onReady: () => events.emit({ type: "attemptReady", id }),
          onFinished: (result) => this.#finished(attempt, digest, result),
          onLogError: (uart, error) => log.error({ err: error, attempt: id, uart }, "the log of a UART is lost"),
        },
      },
      this.#dependencies.attempt,
    );
    try {
      spool.take(spooled(attempt, digest));
    } catch (error) {
      slots.release(slot);
      throw error;
    }
    this.#running.set(id, { attempt, specDigest: digest });
    const taken = attempt
      .run()
      .catch((error: unknown) => this.#broken(attempt, digest, error))
      .finally(() => {
        this.#taken.delete(taken);
        slots.release(slot);
      });
    this.#taken.add(taken);
    return this.get(id);
  }

  /** Whoever waits for the attempt learns of it, and no slot is lost by it. */
  #broken(attempt: Attempt, digest: string, error: unknown): void {
    this.#dependencies.log.error({ err: error, attempt: attempt.id }, "an attempt broke off");
    if (this.#running.has(attempt.id)) this.#finished(attempt, digest, attempt.brokenResult(FarmError.from(error)));
  }

  #finished(attempt: Attempt, digest: string, result: AttemptResult): void {
    const { id, spec } = attempt;
    this.#spoolResult(id, result);
    this.#running.delete(id);
    this.#kept.add({ ...spooled(attempt, digest), result }, spec.leaseMs);
    this.#dependencies.metrics.attemptFinished(attempt, result);
    this.#dependencies.events.emit({ type: "attemptFinished", id, result });
  }

  #spoolResult(id: string, result: AttemptResult): void {
    const { spool, log } = this.#dependencies;
    try {
      spool.finish(id, result);
    } catch (error) {
      // The disk is full: the result is told all the same, it only would not survive this process.
      log.error({ err: error, attempt: id }, "the result could not be spooled");
    }
  }

  async #forget(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#dependencies.spool.forget(ids);
  }
}

function spooled(attempt: Attempt, digest: string): SpooledAttempt {
  const { id, hubs, startedAt } = attempt;
  return { id, specDigest: digest, uarts: hubs.map(({ name }) => name), startedAt };
}

async function* inlineLog(base64: string, offset: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(base64, "base64").subarray(offset);
  if (bytes.length > 0) yield bytes;
}
