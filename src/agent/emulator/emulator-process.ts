import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { FarmError } from "../../core/error/farm-error.ts";
import { asEmulatorChannel } from "./emulator-channel.ts";
import { StderrTail } from "./stderr-tail.ts";

/** Descriptor of the first channel in the emulator; 0 to 2 are the standard streams. */
export const FIRST_CHANNEL_FD = 3;

/** How long what an emulator has left behind may hold its channels open. */
const LEFTOVER_GRACE_MS = 1_000;

export interface EmulatorLaunch {
  /** Program, with what confines it in front: absolute path and arguments. */
  readonly command: readonly [string, ...string[]];
  readonly folder: string;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** Number of socket pairs that the emulator inherits, from descriptor 3 on. */
  readonly channels: number;
  /** Open files that it inherits, behind the channels. */
  readonly files?: readonly number[];
}

/** How an emulator's process ended. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last 64 KiB of stderr. */
  readonly stderr: string;
}

/**
 * An emulator in a process group of its own. Its channels are socket pairs that it inherits: they are connected
 * before it runs, nobody else can connect to them, and they end with it.
 */
export class EmulatorProcess implements AsyncDisposable {
  readonly pid: number;
  readonly channels: readonly Socket[];
  /** Settles once the process has ended, all of its stderr is here and every channel has been read to its end. */
  readonly exited: Promise<ProcessEnd>;
  readonly #child: ChildProcess;
  readonly #stderr = new StderrTail();

  private constructor(child: ChildProcess, pid: number, channels: number) {
    this.#child = child;
    this.pid = pid;
    this.channels = (child.stdio.slice(FIRST_CHANNEL_FD, FIRST_CHANNEL_FD + channels) as unknown as Socket[]).map(
      asEmulatorChannel,
    );
    (child.stderr as Readable).on("data", (chunk: Buffer) => this.#stderr.push(chunk));
    this.exited = this.#watch();
  }

  /** @throws {FarmError} EmulatorStartFailed */
  static async start(launch: EmulatorLaunch): Promise<EmulatorProcess> {
    const [program, ...args] = launch.command;
    const sockets = Array.from({ length: launch.channels }, () => "pipe" as const);
    let child: ChildProcess;
    try {
      child = spawn(program, args, {
        cwd: launch.folder,
        env: launch.environment,
        detached: true,
        stdio: ["ignore", "ignore", "pipe", ...sockets, ...(launch.files ?? [])],
        ...(launch.uid === undefined ? {} : { uid: launch.uid }),
        ...(launch.gid === undefined ? {} : { gid: launch.gid }),
      });
    } catch (cause) {
      throw startFailure(cause);
    }
    if (child.pid !== undefined) return new EmulatorProcess(child, child.pid, launch.channels);
    throw await new Promise((resolve) => child.once("error", (cause) => resolve(startFailure(cause))));
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get stderr(): string {
    return this.#stderr.toString();
  }

  /** What it says from now on belongs to its next boot. */
  forgetStderr(): void {
    this.#stderr.clear();
  }

  /** Kills the whole process group unless it has ended within `graceMs`, as it was asked to. */
  async killAfter(graceMs: number): Promise<ProcessEnd> {
    const timer = setTimeout(() => this.kill(), graceMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Kills the whole process group at once. */
  kill(): void {
    if (!this.hasExited) killGroup(this.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.exited;
  }

  #watch(): Promise<ProcessEnd> {
    const { promise, resolve } = Promise.withResolvers<ProcessEnd>();
    let leftover: NodeJS.Timeout | undefined;
    this.#child.once("exit", () => {
      leftover = setTimeout(() => this.#endLeftovers(), LEFTOVER_GRACE_MS);
    });
    // `close` comes after `exit` and after the end of every stream.
    this.#child.once("close", (code, signal) => {
      clearTimeout(leftover);
      resolve({ code, signal, stderr: this.stderr });
    });
    return promise;
  }

  /** The process has ended, but its streams are held open: by a child of its own. */
  #endLeftovers(): void {
    killGroup(this.pid);
    for (const stream of this.#child.stdio) stream?.destroy();
  }
}

/** Kills a process group; one that has gone already is no failure. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function startFailure(cause: unknown): FarmError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new FarmError("EmulatorStartFailed", { detail }, { cause });
}
