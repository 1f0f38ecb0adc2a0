import type { Board, FirmwareFormat } from "../../src/core/schema/board.ts";
import type { AttemptResult, AttemptSpecInput } from "../../src/core/wire/attempt.ts";
import { AgentLab, EventLog, sha256Of } from "../agent/attempt/agent-lab.ts";

/** Files of a firmware, in memory. */
export interface Image {
  bytes: Buffer;
  format?: FirmwareFormat;
  initrd?: Buffer;
  dtb?: Buffer;
  append?: string;
}

type Options = Partial<Omit<AttemptSpecInput, "tenant" | "boardName" | "board" | "firmware">>;

/** An agent to run images on boards with. */
export class BoardLab implements AsyncDisposable {
  readonly #agent: AgentLab;
  readonly #events: EventLog;
  #count = 0;

  private constructor(agent: AgentLab) {
    this.#agent = agent;
    this.#events = new EventLog(agent.client);
  }

  /** @param qemuFolders where emulators are looked for before PATH */
  static async start(qemuFolders: readonly string[] = []): Promise<BoardLab> {
    return new BoardLab(await AgentLab.start({ EMUFARM_QEMU_PATH: qemuFolders.join(":"), EMUFARM_SLOTS: "4" }));
  }

  /** One attempt, to its end. */
  async run({ metadata, spec }: Board, image: Image, options: Options = {}): Promise<AttemptResult> {
    const id = `board-${++this.#count}.1`;
    const { format, append } = image;
    await this.#agent.client.putAttempt(id, {
      tenant: "test",
      boardName: metadata.name,
      board: spec,
      firmware: {
        sha256: await this.#put(image.bytes),
        ...(format && { format }),
        ...(append !== undefined && { append }),
        ...(image.initrd && { initrd: { sha256: await this.#put(image.initrd) } }),
        ...(image.dtb && { dtb: { sha256: await this.#put(image.dtb) } }),
      },
      ...options,
    });
    return this.#events.resultOf(id);
  }

  async #put(bytes: Buffer): Promise<string> {
    const sha256 = sha256Of(bytes);
    await this.#agent.client.putFirmware(sha256, bytes);
    return sha256;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#events[Symbol.asyncDispose]();
    await this.#agent[Symbol.asyncDispose]();
  }
}

/** What a UART said in an attempt; the first one without a name. */
export function saidOn(result: AttemptResult, uart?: string): Buffer {
  const log = uart === undefined ? result.logs[0] : result.logs.find((one) => one.uart === uart);
  return Buffer.from(log?.base64 ?? "", "base64");
}
