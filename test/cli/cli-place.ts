import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

export const PROJECT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
const SOURCES = [join(PROJECT, "src/cli/main.ts")];

const KILL_ROUNDS = 250;
const KILL_PAUSE_MS = 20;

/** A prebuilt image of the examples. */
export function image(board: string, app: string): string {
  return join(PROJECT, "examples/images", board, `${app}.elf`);
}

export interface CliOptions {
  readonly cwd?: string;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Program and leading arguments; default: the sources on this Node. */
  readonly program?: readonly string[];
}

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A place of its own for the real command line: folders that no farm of this machine shares. */
export class CliPlace implements Disposable {
  #folder: string | undefined;

  /** Made when it is asked for first: tests that are skipped leave none. */
  get folder(): string {
    if (this.#folder === undefined) {
      this.#folder = mkdtempSync(join(tmpdir(), "ef-"));
      // Emulators under uids of their own pass through to their slots.
      chmodSync(this.#folder, 0o711);
    }
    return this.#folder;
  }

  get data(): string {
    return join(this.folder, "data");
  }

  get runtime(): string {
    return join(this.folder, "run");
  }

  /** Starts a command and goes on. */
  start(args: readonly string[], options: CliOptions = {}): StartedCli {
    const [program = process.execPath, ...first] = options.program ?? [process.execPath, ...SOURCES];
    const child = spawn(program, [...first, ...args], {
      cwd: options.cwd ?? PROJECT,
      env: {
        PATH: process.env.PATH,
        HOME: this.folder,
        EMUFARM_DATA: this.data,
        EMUFARM_RUNTIME_DIR: this.runtime,
        EMUFARM_CACHE: join(this.folder, "cache"),
        ...options.env,
      },
      stdio: ["pipe", "pipe", "pipe"],
    });
    return new StartedCli(child, options.input);
  }

  /** Carries a command out to its end. */
  run(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    return this.start(args, { input: "", ...options }).result;
  }

  /** Processes that belong to this place: its folder is in their arguments or their environment. */
  processes(): { pid: number; command: string }[] {
    return readdirSync("/proc")
      .map(Number)
      .filter((pid) => pid > 0 && pid !== process.pid)
      .flatMap((pid) => {
        try {
          const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
          const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
          return command !== "" && `${command} ${environment}`.includes(this.folder) ? [{ pid, command }] : [];
        } catch {
          // It has ended meanwhile.
          return [];
        }
      });
  }

  /** Everything that lies in the runtime folder. */
  runtimeFiles(): string[] {
    return existsSync(this.runtime) ? readdirSync(this.runtime, { recursive: true }).map(String) : [];
  }

  [Symbol.dispose](): void {
    if (this.#folder === undefined) return;
    // Until the last of them has gone, files may come back: of a process that was just being started, or still ends.
    for (let round = 0; round < KILL_ROUNDS && this.kill() > 0; round += 1) pause(KILL_PAUSE_MS);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Kills what is there; says how many that were. */
  kill(): number {
    const processes = this.processes();
    for (const { pid } of processes) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended meanwhile.
      }
    }
    return processes.length;
  }
}

/** Of the whole process: a disposal cannot wait otherwise. */
function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Shorter than a test, so that it can tell what it waited for. */
const SAID_WITHIN_MS = 90_000;

/** A command that goes on. */
export class StartedCli {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly result: Promise<CliResult>;
  #stdout = "";
  #stderr = "";
  readonly #waiting = new Set<() => void>();

  constructor(child: ChildProcessByStdio<Writable, Readable, Readable>, input: string | undefined) {
    this.child = child;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
      for (const look of this.#waiting) look();
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
      for (const look of this.#waiting) look();
    });
    // A command that does not read its input may end before it is written.
    child.stdin.on("error", () => {});
    if (input !== undefined) child.stdin.end(input);
    this.result = once(child, "close").then(([code]) => {
      for (const look of this.#waiting) look();
      return { code, stdout: this.#stdout, stderr: this.#stderr };
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** What it has written so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Settles once this text has been written, on either stream, as often as said. */
  async said(text: string, times = 1): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => {
      if (`${this.#stdout}\0${this.#stderr}`.split(text).length > times) resolve();
      else if (this.child.exitCode !== null) reject(new Error(`it ended without "${text}": ${this.#stderr}`));
    };
    const timer = setTimeout(() => {
      const said = `${this.#stdout}\n${this.#stderr}`.slice(-2_000);
      reject(new Error(`${SAID_WITHIN_MS / 1_000} s without "${text}" ${times} times; it has said: ${said}`));
    }, SAID_WITHIN_MS);
    this.#waiting.add(look);
    look();
    await promise.finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(look);
    });
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }
}
