import type { Duplex } from "node:stream";
import { FarmError } from "../../core/error/farm-error.ts";
import { encodeCommand, QmpDecoder, type QmpMessage } from "./qmp-codec.ts";
import type { QmpCommandOptions, QmpEvent, QmpGreeting, QmpSession } from "./qmp-session.ts";
import { QmpTransportError } from "./qmp-transport-error.ts";

const DEFAULT_TIMEOUT_MS = 10_000;
/** Two: one that the emulator may have read already, and one that it certainly reads after the latest write. */
const MAX_KICKS_UNDERWAY = 2;
const KICK_ID = "kick";
const KICK = encodeCommand("query-status", undefined, KICK_ID);
const QUIT = encodeCommand("quit", undefined, "quit");

interface PendingCommand {
  readonly command: string;
  readonly timer: NodeJS.Timeout;
  resolve(value: unknown): void;
  reject(error: FarmError): void;
}

/**
 * QMP over a connected socket. Negotiates at once, without waiting for the greeting. Any number of commands may be
 * under way; events are told as they come, also between a command and its answer.
 */
export class QmpClient implements QmpSession, Disposable {
  readonly #socket: Duplex;
  readonly #decoder = new QmpDecoder();
  readonly #pending = new Map<number, PendingCommand>();
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  readonly #closed = Promise.withResolvers<void>();
  #nextId = 1;
  #kicksUnderway = 0;
  #isKickWanted = false;
  #isQuitting = false;
  #greeting: QmpGreeting | undefined;
  #failure: QmpTransportError | undefined;
  /** Settles once the emulator has answered; rejects with QmpFailed when it never does. */
  readonly ready: Promise<void>;

  /** How long the emulator may take until its QMP answers. */
  readonly answerTimeoutMs: number;

  constructor(socket: Duplex, answerTimeoutMs: number) {
    this.answerTimeoutMs = answerTimeoutMs;
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("error", (cause) => this.#fail(new QmpTransportError("closed", cause.message, { cause })));
    socket.on("end", () => this.#fail(new QmpTransportError("closed")));
    socket.on("close", () => {
      this.#fail(new QmpTransportError("closed"));
      this.#closed.resolve();
    });
    this.ready = this.execute("qmp_capabilities", undefined, { timeoutMs: answerTimeoutMs }).then(() => {});
    // Whoever does not wait for it learns of the failure from `closed` or the process.
    this.ready.catch(() => {});
  }

  get greeting(): QmpGreeting | undefined {
    return this.#greeting;
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Why the connection failed, once it has. */
  get failure(): QmpTransportError | undefined {
    return this.#failure;
  }

  execute(
    command: string,
    args?: Readonly<Record<string, unknown>>,
    { timeoutMs = DEFAULT_TIMEOUT_MS }: QmpCommandOptions = {},
  ): Promise<unknown> {
    if (this.#failure) return Promise.reject(transportFailure(command, this.#failure));
    if (this.#isQuitting) return Promise.reject(transportFailure(command, new QmpTransportError("closed")));
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const timer = setTimeout(() => {
      this.#pending.delete(id);
      reject(transportFailure(command, new QmpTransportError("timedOut", `waited ${timeoutMs} ms`)));
    }, timeoutMs);
    this.#pending.set(id, { command, timer, resolve, reject });
    this.#socket.write(encodeCommand(command, args, id));
    return promise;
  }

  onEvent(listener: (event: QmpEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Makes the emulator's main loop turn, and waits for nothing. Any number of calls cost at most two commands. */
  kick(): void {
    if (this.#failure || this.#isQuitting) return;
    if (this.#kicksUnderway >= MAX_KICKS_UNDERWAY) {
      this.#isKickWanted = true;
      return;
    }
    this.#kicksUnderway++;
    this.#socket.write(KICK);
  }

  /**
   * Asks the emulator to end. Nothing is sent after it: a command that reaches QEMU while it leaves can make it hang
   * for ever (seen in 10.0, in `monitor_cleanup()`).
   */
  quit(): void {
    if (this.#failure || this.#isQuitting) return;
    this.#isQuitting = true;
    this.#socket.write(QUIT);
  }

  [Symbol.dispose](): void {
    this.#fail(new QmpTransportError("closed", "the session was given up"));
  }

  #receive(chunk: Buffer): void {
    if (this.#failure) return;
    try {
      for (const message of this.#decoder.decode(chunk)) this.#take(message);
    } catch (error) {
      // Whatever an emulator says that nobody can bear, such as nesting without end, is the end of it and of no neighbour.
      if (error instanceof QmpTransportError) this.#fail(error);
      else this.#fail(new QmpTransportError("malformed", String((error as Error).message), { cause: error }));
    }
  }

  #take(message: QmpMessage): void {
    if (message.type === "event") {
      for (const listener of this.#listeners) listener(message.event);
    } else if (message.type === "greeting") {
      this.#greeting ??= message.greeting;
    } else if (message.id === KICK_ID) {
      this.#finishKick();
    } else {
      this.#answer(message);
    }
  }

  #answer(message: QmpMessage & { type: "return" | "error" }): void {
    const id = typeof message.id === "number" ? message.id : -1;
    const pending = this.#pending.get(id);
    // The answer to a command that was given up; nobody waits for it any more.
    if (!pending) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    if (message.type === "return") pending.resolve(message.value);
    else pending.reject(commandFailure(pending.command, message.class, message.description));
  }

  #finishKick(): void {
    this.#kicksUnderway--;
    if (!this.#isKickWanted) return;
    this.#isKickWanted = false;
    this.kick();
  }

  #fail(error: QmpTransportError): void {
    if (this.#failure) return;
    this.#failure = error;
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.timer);
      pending.reject(transportFailure(pending.command, error));
    }
    this.#pending.clear();
    this.#socket.destroy();
  }
}

function transportFailure(command: string, cause: QmpTransportError): FarmError {
  return new FarmError("QmpFailed", { command, detail: cause.message }, { cause });
}

function commandFailure(command: string, qmpClass: string, qmpDescription: string): FarmError {
  return new FarmError("QmpFailed", { command, detail: qmpDescription, qmpClass, qmpDescription });
}
