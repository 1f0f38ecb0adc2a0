import { z } from "zod";
import { FarmError } from "../../core/error/farm-error.ts";
import { LineSplitter } from "./line-splitter.ts";
import { isAllowedCommand } from "./qmp-allow-list.ts";
import type { QmpSession } from "./qmp-session.ts";

const MAX_REQUEST_BYTES = 64 * 1024;
const MAX_COMMANDS_UNDERWAY = 16;
/** A client that lags behind by so much gets no events until it has caught up. */
const EVENT_BACKLOG_BYTES = 256 * 1024;
/** A client that lags behind by so much is let go. */
const MAX_BACKLOG_BYTES = 4 * 1024 * 1024;

/** The connection of a client. */
export interface QmpProxyTransport {
  /** Bytes that the network has not taken yet. */
  readonly bufferedBytes: number;
  send(text: string): void;
  close(reason: string): void;
}

const request = z.strictObject({
  execute: z.string(),
  arguments: z.record(z.string(), z.unknown()).optional(),
  id: z.unknown().optional(),
});

type Answer = { return: unknown } | { error: { class: string; desc: string } };

/** One client of a QmpProxy. */
export class QmpProxyClient {
  readonly #session: QmpSession;
  readonly #transport: QmpProxyTransport;
  readonly #onEnd: () => void;
  readonly #lines = new LineSplitter(MAX_REQUEST_BYTES);
  #hasNegotiated = false;
  #isEnded = false;
  #underway = 0;
  #droppedEvents = 0;
  /** Answers go out in the order of the requests, as from QEMU itself. */
  #lastAnswer: Promise<void> = Promise.resolve();

  constructor(session: QmpSession, transport: QmpProxyTransport, onEnd: () => void) {
    this.#session = session;
    this.#transport = transport;
    this.#onEnd = onEnd;
  }

  /** Events that the client was too slow for. */
  get droppedEvents(): number {
    return this.#droppedEvents;
  }

  greet(): void {
    const version = this.#session.greeting?.version ?? {};
    this.#send({ QMP: { version, capabilities: [] } });
  }

  /** Takes bytes of the client, in any chunks; a line is a request. */
  receive(chunk: Buffer): void {
    if (this.#isEnded) return;
    let lines: string[];
    try {
      lines = this.#lines.split(chunk);
    } catch {
      // A line without end: nothing sensible can follow.
      this.end(`a request is larger than ${MAX_REQUEST_BYTES} bytes`);
      return;
    }
    for (const line of lines) if (line !== "") this.#take(line);
  }

  /** Takes one whole request, such as a frame of a WebSocket. */
  receiveRequest(text: string): void {
    this.receive(Buffer.from(text.endsWith("\n") ? text : `${text}\n`));
  }

  tellEvent(text: string): void {
    if (!this.#hasNegotiated || this.#isEnded) return;
    if (this.#transport.bufferedBytes > EVENT_BACKLOG_BYTES) this.#droppedEvents++;
    else this.#transport.send(`${text}\n`);
  }

  /** The client's connection has ended. */
  close(): void {
    this.#isEnded = true;
    this.#onEnd();
  }

  /** Ends the client's connection. */
  end(reason: string): void {
    if (this.#isEnded) return;
    this.close();
    this.#transport.close(reason);
  }

  #take(line: string): void {
    const parsed = parseRequest(line);
    if ("error" in parsed) this.#reply(undefined, Promise.resolve(parsed));
    else this.#reply(parsed.id, this.#answer(parsed.execute, parsed.arguments));
  }

  #answer(command: string, args: Record<string, unknown> | undefined): Promise<Answer> | Answer {
    if (command === "qmp_capabilities") return this.#negotiate();
    if (!this.#hasNegotiated) {
      return failure("Expecting capabilities negotiation with 'qmp_capabilities'", "CommandNotFound");
    }
    if (!isAllowedCommand(command)) {
      return failure(`The command ${command} is not on the list of allowed commands`, "CommandNotFound");
    }
    if (this.#underway >= MAX_COMMANDS_UNDERWAY) return failure("Too many commands are under way");
    return this.#execute(command, args);
  }

  #negotiate(): Answer {
    if (this.#hasNegotiated) {
      return failure("Capabilities negotiation is already complete, command ignored", "CommandNotFound");
    }
    this.#hasNegotiated = true;
    return { return: {} };
  }

  async #execute(command: string, args: Record<string, unknown> | undefined): Promise<Answer> {
    this.#underway++;
    try {
      return { return: await this.#session.execute(command, args) };
    } catch (error) {
      return failureOf(FarmError.from(error));
    } finally {
      this.#underway--;
    }
  }

  #reply(id: unknown, answer: Promise<Answer> | Answer): void {
    const before = this.#lastAnswer;
    const send = async () => {
      const answered = await answer;
      await before;
      this.#send({ ...answered, ...(id !== undefined && { id }) });
    };
    this.#lastAnswer = send();
  }

  #send(message: unknown): void {
    if (this.#isEnded) return;
    if (this.#transport.bufferedBytes > MAX_BACKLOG_BYTES) this.end("the client does not read");
    else this.#transport.send(`${JSON.stringify(message)}\n`);
  }
}

function parseRequest(line: string): z.infer<typeof request> | { error: { class: string; desc: string } } {
  try {
    const parsed = request.safeParse(JSON.parse(line));
    if (parsed.success) return parsed.data;
    const problem = parsed.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`.trim()).join("; ");
    return failure(`Not a QMP request: ${problem}`);
  } catch {
    // Not JSON: told to the client in QMP's own form, as QEMU does.
    return failure("JSON parse error");
  }
}

function failure(desc: string, errorClass = "GenericError"): { error: { class: string; desc: string } } {
  return { error: { class: errorClass, desc } };
}

/** QEMU's own error as it was; a failure of the farm as a generic one. */
function failureOf(error: FarmError): Answer {
  const { qmpClass, qmpDescription } = error.details;
  return failure(String(qmpDescription ?? error.message), String(qmpClass ?? "GenericError"));
}
