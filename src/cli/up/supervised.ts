import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { FarmError } from "../../core/error/farm-error.ts";
import { LogFile } from "./log-file.ts";
import type { Readiness, StartedProcess } from "./readiness.ts";

export interface ProcessSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Asked at each start. */
  readonly env: () => NodeJS.ProcessEnv;
  readonly readiness: Readiness;
  readonly logFile: string;
}

export interface SupervisionEvents {
  onStarted(name: string, pid: number): void;
  /** The process ended though nobody wanted it to; it is started again after the delay. */
  onLost(name: string, how: string, restartMs: number): void;
}

const FIRST_RESTART_MS = 100;
const LAST_RESTART_MS = 10_000;
/** A process that was up this long has proven itself: its next end counts as the first. */
const PROVEN_MS = 30_000;
/** Ends before the first readiness after which the farm's start is given up. */
const MAX_FALSE_STARTS = 3;

const PIPES = {
  extendEnv: false,
  detached: true,
  cleanup: false,
  buffer: false,
  reject: false,
  stdin: "pipe",
  stdout: "pipe",
  stderr: "pipe",
} as const;

/**
 * A process that is started again, later each time, when it ends. It stands in a process group of its own, so that a
 * Ctrl-C on the terminal ends the farm in order; its standard input closes with the supervisor, however that ends.
 */
export class Supervised implements StartedProcess {
  readonly name: string;
  /** Settles once the process has been ready for the first time; rejects with ProcessStartFailed. */
  readonly ready: Promise<void>;
  readonly #ready = Promise.withResolvers<void>();
  readonly #spec: ProcessSpec;
  readonly #events: SupervisionEvents;
  readonly #log: LogFile;
  readonly #listeners = new Set<(line: string) => void>();
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #restart: NodeJS.Timeout | undefined;
  #falseStarts = 0;
  #restartMs = FIRST_RESTART_MS;
  #isReady = false;
  #isStopping = false;

  constructor(spec: ProcessSpec, events: SupervisionEvents) {
    this.name = spec.name;
    this.#spec = spec;
    this.#events = events;
    this.#log = new LogFile(spec.logFile);
    this.ready = this.#ready.promise;
    // Told to whoever waits; nobody may wait.
    this.ready.catch(() => {});
  }

  /** Starts it, unless it is to end already. */
  start(): void {
    if (this.#isStopping) return;
    const { command, args, env } = this.#spec;
    const startedAt = performance.now();
    const started = execa(command, args, { ...PIPES, env: env() });
    // The end is told by `close`: it comes after the last line.
    const child = started.nodeChildProcess;
    this.#child = child;
    const ended = Promise.withResolvers<void>();
    this.#ended = ended.promise;
    for (const stream of [started.stdout, started.stderr]) {
      createInterface({ input: stream }).on("line", (line) => this.#say(line));
    }
    // The child's end is told by its exit; a broken pipe to it tells nothing more.
    started.stdin.on("error", () => {});
    const up = new AbortController();
    let how = "";
    child.once("error", (error) => {
      how = error.message;
    });
    child.once("close", (code, signal) => {
      up.abort();
      ended.resolve();
      how ||= signal ? `signal ${signal}` : `exit code ${code}`;
      this.#lost(how, performance.now() - startedAt);
    });
    if (child.pid !== undefined) this.#events.onStarted(this.name, child.pid);
    this.#spec.readiness(this, up.signal).then(() => {
      if (up.signal.aborted) return;
      this.#isReady = true;
      this.#ready.resolve();
    }, this.#ready.reject);
  }

  onLine(listener: (line: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Asks the process to end, and makes it after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      const force = setTimeout(() => child.kill("SIGKILL"), graceMs);
      await this.#ended.finally(() => clearTimeout(force));
    }
    this.#log[Symbol.dispose]();
  }

  #say(line: string): void {
    this.#log.write(line);
    for (const listener of this.#listeners) listener(line);
  }

  #lost(how: string, upMs: number): void {
    if (this.#isStopping) return;
    if (!this.#isReady && ++this.#falseStarts >= MAX_FALSE_STARTS) {
      this.#ready.reject(this.#startFailed(how));
      return;
    }
    if (upMs > PROVEN_MS) this.#restartMs = FIRST_RESTART_MS;
    if (this.#isReady) this.#events.onLost(this.name, how, this.#restartMs);
    this.#restart = setTimeout(() => this.start(), this.#restartMs);
    this.#restartMs = Math.min(this.#restartMs * 2, LAST_RESTART_MS);
  }

  #startFailed(how: string): FarmError {
    // It was started several times, and may have said the same each time.
    const words = new Set(this.#log.lastLines.map(wordsOf).filter((line) => line !== ""));
    const detail = [`it ended with ${how}`, ...[...words].slice(-3)].join("; ");
    return new FarmError("ProcessStartFailed", { process: this.name, detail, log: this.#log.path });
  }
}

/** The words of a structured log's line, or the line. */
function wordsOf(line: string): string {
  if (!line.startsWith("{")) return line.trim();
  try {
    const { msg, err } = JSON.parse(line) as { msg?: string; err?: { message?: string } };
    return err?.message ?? msg ?? line;
  } catch {
    // It only looked like one.
    return line;
  }
}
