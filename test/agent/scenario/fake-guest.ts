import { Progress } from "../../../src/agent/progress.ts";
import type { GuestControl } from "../../../src/agent/scenario/guest-control.ts";
import type { ScenarioResult } from "../../../src/agent/scenario/scenario-result.ts";
import { runScenario } from "../../../src/agent/scenario/scenario-run.ts";
import { type ScenarioInput, scenario as scenarioSchema } from "../../../src/core/schema/scenario.ts";
import type { GuestExit } from "../../../src/core/wire/attempt.ts";

/** A guest whose output and end the test decides; it notes what it was asked to do. */
export class FakeGuest implements GuestControl {
  readonly console = "uart0";
  readonly calls: string[] = [];
  /** Levels of its pins, by name. */
  readonly levels = new Map<number | string, 0 | 1>();
  readonly #edgeListeners = new Set<() => void>();
  readonly pins: GuestControl["pins"] = {
    read: async (pin) => this.levels.get(pin),
    drive: async (pin, level) => this.#note(`drive ${pin} ${level}`),
    pulse: async (pin, level, durationMs) => this.#note(`pulse ${pin} ${level} ${durationMs}`),
    onEdges: (listener) => {
      this.#edgeListeners.add(listener);
      return () => this.#edgeListeners.delete(listener);
    },
  };
  /** What steps have kept, by name. */
  readonly kept = new Map<string, Uint8Array | string>();
  readonly artifacts: GuestControl["artifacts"] = {
    write: (name, _mediaType, bytes) => void this.kept.set(name, bytes),
    open: (name) => ({
      write: (chunk) => void this.kept.set(name, `${this.kept.get(name) ?? ""}${Buffer.from(chunk)}`),
      close: () => {},
    }),
  };
  /** Deadlines in its own time that nobody has taken back, by their milliseconds. */
  readonly deadlines = new Map<number, () => void>();
  readonly #listeners = new Map<string, Set<(chunk: Buffer) => void>>();
  readonly uarts: GuestControl["uarts"];
  #exit = Promise.withResolvers<GuestExit>();
  /** Called after each call, with its text: lets the guest react. */
  onCall: (call: string) => void = () => {};
  qmpAnswer: unknown = {};
  /** Values of properties by path and name; set ones are noted there. */
  readonly properties = new Map<string, unknown>();
  /** What the display shows, one after another; the last one stays. */
  screens: Buffer[] = [];

  constructor(names: readonly string[] = ["uart0", "uart1"]) {
    const uart = (name: string) => ({
      onData: (listener: (chunk: Buffer) => void) => {
        const listeners = this.#listeners.get(name) ?? new Set();
        this.#listeners.set(name, listeners.add(listener));
        return () => listeners.delete(listener);
      },
      write: async (bytes: Uint8Array) => this.#note(`write ${name} ${Buffer.from(bytes).toString()}`),
    });
    this.uarts = new Map(names.map((name) => [name, uart(name)]));
  }

  say(text: string | Buffer, uart = "uart0"): void {
    for (const listener of this.#listeners.get(uart) ?? []) listener(Buffer.from(text));
  }

  /** A pin changes. */
  setPin(pin: number | string, level: 0 | 1): void {
    this.levels.set(pin, level);
    for (const listener of this.#edgeListeners) listener();
  }

  end(exit: GuestExit): void {
    this.#exit.resolve(exit);
  }

  exited(): Promise<GuestExit> {
    return this.#exit.promise;
  }

  async power(state: "on" | "off" | "cycle"): Promise<void> {
    if (state !== "on") this.#exit.resolve({ reason: "Stopped" });
    if (state !== "off") this.#exit = Promise.withResolvers<GuestExit>();
    this.#note(`power ${state}`);
  }

  async reset(): Promise<void> {
    this.#note("reset");
  }

  async getProperty(path: string, name: string): Promise<unknown> {
    this.#note(`get ${path} ${name}`);
    return this.properties.get(`${path} ${name}`);
  }

  async setProperty(path: string, name: string, value: unknown): Promise<void> {
    this.properties.set(`${path} ${name}`, value);
    this.#note(`set ${path} ${name} ${value}`);
  }

  async screenshot(): Promise<Buffer> {
    const screen = this.screens.length > 1 ? this.screens.shift() : this.screens[0];
    if (!screen) throw new Error("the test gave no picture");
    return screen;
  }

  async pause(): Promise<void> {
    this.#note("pause");
  }

  async resume(): Promise<void> {
    this.#note("resume");
  }

  afterGuestTime(ms: number, onPassed: () => void): () => void {
    this.deadlines.set(ms, onPassed);
    return () => this.deadlines.delete(ms);
  }

  async qmp(command: string): Promise<unknown> {
    this.#note(`qmp ${command}`);
    return this.qmpAnswer;
  }

  #note(call: string): void {
    this.calls.push(call);
    this.onCall(call);
  }
}

export interface RunOptions {
  readonly expectText?: string;
  readonly failText?: string;
  readonly progress?: Progress;
  readonly timeoutMultiplier?: number;
  readonly started?: Promise<void>;
}

/** Starts a scenario against a fake guest. */
export function startScenario(
  guest: GuestControl,
  input: Omit<ScenarioInput, "version"> | undefined,
  options: RunOptions = {},
) {
  return runScenario({
    scenario: input && scenarioSchema.parse({ version: 1, ...input }),
    expectText: options.expectText,
    failText: options.failText,
    guest,
    progress: options.progress ?? new Progress(),
    limits: { memoryLimitMiB: 256, outputLimitBytes: 1_000, maxResets: 20 },
    timeoutMultiplier: options.timeoutMultiplier ?? 1,
    ...(options.started && { started: options.started }),
    nowMs: () => performance.now(),
  });
}

/** Runs a scenario to its end while `act` plays the guest. */
export async function play(
  input: Omit<ScenarioInput, "version"> | undefined,
  act: (guest: FakeGuest) => void | Promise<void>,
  options: RunOptions = {},
): Promise<ScenarioResult & { guest: FakeGuest }> {
  const guest = new FakeGuest();
  const run = startScenario(guest, input, options);
  await act(guest);
  return { ...(await run.result), guest };
}

/** Lets everything that is due be done. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
