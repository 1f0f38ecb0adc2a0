import { FarmError } from "../../core/error/farm-error.ts";
import { JsonSplitter } from "./json-splitter.ts";
import { jsonText } from "./json-text.ts";
import { isLookingCommand } from "./qmp-allow-list.ts";
import { type QmpErrorAnswer, type QmpRequest, qmpError, readRequest } from "./qmp-request.ts";
import type { QmpEvent, QmpGreeting } from "./qmp-session.ts";

const MAX_REQUEST_BYTES = 64 * 1024;
const MAX_DEPTH = 64;
/** As many wait for their turn before the client itself has to: QEMU's own queue has this length. */
const MAX_WAITING = 8;
const MAX_COMMANDS_UNDERWAY = 16;
/** A client that lags behind by so much gets no events, and is not listened to, until it has caught up. */
const BACKLOG_BYTES = 256 * 1024;
/** A client that lags behind by so much is let go. */
const MAX_BACKLOG_BYTES = 4 * 1024 * 1024;
const OUT_OF_BAND = "oob";
/** Only an emulator that was taken over says such a thing. */
const UNTELLABLE = "what the emulator answered cannot be told";

/** The connection of a client. */
export interface QmpProxyTransport {
  /** Bytes that the network has not taken yet. */
  readonly bufferedBytes: number;
  send(text: string): void;
  /** True: the client is not read until it is false again. */
  setPaused(isPaused: boolean): void;
  close(reason: string): void;
}

/** What a client's commands are put to. */
export interface QmpProxyBackend {
  readonly greeting: QmpGreeting;
  /** @throws {FarmError} what is told to the client */
  execute(command: string, args: Readonly<Record<string, unknown>> | undefined): Promise<unknown>;
}

type Command = Extract<QmpRequest, { readonly command: string }>;
type Answer = { readonly return: unknown } | QmpErrorAnswer;

/** One client of a QmpProxy: a greeting, a negotiation, an order of answers and ids of its own. */
export class QmpProxyClient {
  readonly #backend: QmpProxyBackend;
  readonly #transport: QmpProxyTransport;
  readonly #onEnd: () => void;
  readonly #splitter = new JsonSplitter({ maxBytes: MAX_REQUEST_BYTES, maxDepth: MAX_DEPTH });
  #waiting: QmpRequest[] = [];
  /** Of those, so many have had their turn: to move the others up for each would cost their number squared. */
  #begun = 0;
  #hasNegotiated = false;
  #hasOutOfBand = false;
  #isPaused = false;
  #isEnded = false;
  #underway = 0;
  #droppedEvents = 0;
  #untoldEvents = 0;
  /** Answers go out in the order of the requests, as from QEMU itself. */
  #lastAnswer: Promise<void> = Promise.resolve();

  constructor(backend: QmpProxyBackend, transport: QmpProxyTransport, onEnd: () => void) {
    this.#backend = backend;
    this.#transport = transport;
    this.#onEnd = onEnd;
  }

  /** Events that the client was too slow for. */
  get droppedEvents(): number {
    return this.#droppedEvents;
  }

  greet(): void {
    const { version } = this.#backend.greeting;
    this.#send({ QMP: { version, capabilities: [OUT_OF_BAND] } });
  }

  /** Takes bytes of the client, in any chunks. */
  receive(chunk: Buffer): void {
    if (this.#isEnded) return;
    for (const piece of this.#splitter.split(chunk)) {
      const request = readRequest(piece);
      if ("problem" in piece && piece.problem === "tooLarge") {
        if ("refusal" in request) this.#send(request.refusal);
        this.end(`a request is larger than ${MAX_REQUEST_BYTES} bytes`);
        return;
      }
      if ("command" in request && request.isOutOfBand && this.#hasOutOfBand) this.#overtake(request);
      else this.#waiting.push(request);
    }
    this.#work();
  }

  /** Takes a message of a transport that has such: usually one whole request. */
  receiveMessage(message: Buffer): void {
    this.receive(message);
    this.#splitter.endLine();
  }

  tellEvent(event: QmpEvent): void {
    if (!this.#hasNegotiated || this.#isEnded) return;
    if (this.#transport.bufferedBytes > BACKLOG_BYTES) {
      this.#droppedEvents += 1;
      this.#untoldEvents += 1;
      return;
    }
    this.#tellDropped();
    this.#transport.send(`${JSON.stringify(event)}\n`);
  }

  /** The network has taken what was sent. */
  drained(): void {
    if (this.#isEnded) return;
    if (this.#transport.bufferedBytes <= BACKLOG_BYTES) this.#tellDropped();
    this.#work();
  }

  /** The client's connection has ended. */
  close(): void {
    this.#isEnded = true;
    this.#waiting = [];
    this.#begun = 0;
    this.#onEnd();
  }

  /** Ends the client's connection. */
  end(reason: string): void {
    if (this.#isEnded) return;
    this.close();
    this.#transport.close(reason);
  }

  /** As much as may be under way; the rest waits, and then the client does. */
  #work(): void {
    while (this.#underway < MAX_COMMANDS_UNDERWAY && this.#transport.bufferedBytes <= BACKLOG_BYTES) {
      const request = this.#waiting[this.#begun];
      if (!request) break;
      this.#begun += 1;
      this.#underway += 1;
      void this.#reply(request)
        .catch(() => this.end(UNTELLABLE))
        .finally(() => {
          this.#underway -= 1;
          this.#work();
        });
    }
    if (this.#begun === this.#waiting.length) {
      this.#waiting = [];
      this.#begun = 0;
    }
    const isFull = this.#waiting.length - this.#begun >= MAX_WAITING || this.#transport.bufferedBytes > BACKLOG_BYTES;
    if (isFull === this.#isPaused || this.#isEnded) return;
    this.#isPaused = isFull;
    this.#transport.setPaused(isFull);
  }

  async #reply(request: QmpRequest): Promise<void> {
    const before = this.#lastAnswer;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#lastAnswer = promise;
    const answer = "refusal" in request ? request.refusal : await this.#answer(request);
    await before;
    this.#sendAnswer(answer, request.id);
    resolve();
  }

  /** Out of band: it waits for no other command, and its answer for no other answer. */
  #overtake(request: Command): void {
    if (!isLookingCommand(request.command)) {
      this.#sendAnswer(qmpError(`The command ${request.command} does not support OOB`), request.id);
    } else if (this.#underway >= MAX_COMMANDS_UNDERWAY * 2) {
      this.#sendAnswer(qmpError("Too many commands are under way"), request.id);
    } else {
      this.#underway += 1;
      void this.#execute(request)
        .then((answer) => {
          this.#underway -= 1;
          this.#sendAnswer(answer, request.id);
          this.#work();
        })
        .catch(() => this.end(UNTELLABLE));
    }
  }

  async #answer(request: Command): Promise<Answer> {
    const { command, args } = request;
    if (command === "qmp_capabilities") return this.#negotiate(args);
    if (!this.#hasNegotiated) {
      return qmpError("Expecting capabilities negotiation with 'qmp_capabilities'", "CommandNotFound");
    }
    if (request.isOutOfBand) return qmpError("QMP input member 'exec-oob' is unexpected");
    return await this.#execute(request);
  }

  #negotiate(args: Command["args"]): Answer {
    if (this.#hasNegotiated) {
      return qmpError("Capabilities negotiation is already complete, command ignored", "CommandNotFound");
    }
    const enable = args?.enable ?? [];
    if (!Array.isArray(enable)) return qmpError("Invalid parameter type for 'enable', expected: array");
    const unknown = enable.find((name) => name !== OUT_OF_BAND);
    if (unknown !== undefined) return qmpError(`Parameter 'enable' does not accept value '${jsonText(unknown)}'`);
    this.#hasNegotiated = true;
    this.#hasOutOfBand = enable.length > 0;
    return { return: {} };
  }

  async #execute({ command, args }: Command): Promise<Answer> {
    try {
      return { return: await this.#backend.execute(command, args) };
    } catch (error) {
      return failureOf(FarmError.from(error));
    }
  }

  #tellDropped(): void {
    const count = this.#untoldEvents;
    if (count === 0) return;
    this.#untoldEvents = 0;
    this.#send(ownEvent("EVENTS_DROPPED", { count }));
  }

  #sendAnswer(answer: Answer, id: unknown): void {
    this.#send({ ...answer, ...(id !== undefined && { id }) });
  }

  #send(message: unknown): void {
    if (this.#isEnded) return;
    if (this.#transport.bufferedBytes > MAX_BACKLOG_BYTES) this.end("the client does not read");
    else this.#transport.send(`${JSON.stringify(message)}\n`);
  }
}

/** An event of the farm's own, named as QMP asks of extensions. */
export function ownEvent(name: string, data: Readonly<Record<string, unknown>>): QmpEvent {
  const now = Date.now();
  const timestamp = { seconds: Math.floor(now / 1_000), microseconds: (now % 1_000) * 1_000 };
  return { event: `__dev.emufarm_${name}`, data, timestamp };
}

/** QEMU's own error as it was; a command that is not allowed as one that is not there; any other as a generic one. */
function failureOf({ code, message, details }: FarmError): QmpErrorAnswer {
  if (code === "QmpCommandRefused") {
    return qmpError(`The command ${details.command} is not on the list of allowed commands`, "CommandNotFound");
  }
  return qmpError(String(details.qmpDescription ?? message), String(details.qmpClass ?? "GenericError"));
}
