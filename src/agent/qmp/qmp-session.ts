/** An asynchronous event of the emulator (QMP specification, "Asynchronous events"). */
export interface QmpEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly timestamp?: { readonly seconds: number; readonly microseconds: number };
}

/** What the emulator says of itself in its greeting; handed on to the clients of a proxy. */
export interface QmpGreeting {
  readonly version: unknown;
  readonly capabilities: readonly string[];
}

export interface QmpCommandOptions {
  /** Deadline of the command; default 10 s. */
  readonly timeoutMs?: number;
}

/** QMP of one boot, for many users at once. Nobody's wait holds up another's command. */
export interface QmpSession {
  /** Undefined until the emulator has greeted. */
  readonly greeting: QmpGreeting | undefined;
  /** Settles when the connection has ended, whoever ended it; never rejects. */
  readonly closed: Promise<void>;
  /**
   * Sends a command and settles with its `return` value.
   * @throws {FarmError} QmpFailed. Where the emulator answered with an error, its details hold `qmpClass` and
   * `qmpDescription` as QMP gave them.
   */
  execute(command: string, args?: Readonly<Record<string, unknown>>, options?: QmpCommandOptions): Promise<unknown>;
  /** Every event, in order, called synchronously. Listeners must not throw. Returns how to stop. */
  onEvent(listener: (event: QmpEvent) => void): () => void;
}
