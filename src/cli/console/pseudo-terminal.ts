import { open, readlink, rm, stat, symlink } from "node:fs/promises";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { FarmError } from "../../core/error/farm-error.ts";
import type { Target } from "../channel/target.ts";
import { EXIT } from "../exit-code.ts";
import type { Surroundings } from "../surroundings.ts";
import { type ConsoleLine, openConsoleLine } from "./console-line.ts";
import { NoticeTexts } from "./notice-text.ts";

const DEVICE = /PTY is (\/dev\/\S+)/;

export interface PseudoTerminalOptions {
  readonly uart: string;
  /** Where the device is to be found: a symbolic link that is there as long as the command runs. */
  readonly link: string;
  readonly label: string;
  readonly isTaking: boolean;
}

/**
 * `emufarm console --pty PATH`: a UART as a device of this machine, for pyserial, picocom, tio and whatever else wants
 * a serial port. Programs open and close it as they like. Node has no pseudo-terminals of its own: socat makes it.
 */
export async function servePseudoTerminal(
  { cwd, stderr, interrupted }: Surroundings,
  target: Target,
  { uart, link, label, isTaking }: PseudoTerminalOptions,
): Promise<number> {
  const say = (text: string) => void stderr.write(`emufarm: ${text}\n`);
  await using terminal = await PseudoTerminal.open(interrupted);
  await using _link = await linkTo(terminal.device, resolve(cwd, link));
  const texts = new NoticeTexts(undefined);
  using line = await openConsoleLine(target, uart, {
    label,
    // A program that opens a port wants what comes from then on.
    isReplayed: false,
    onOutput: (chunk) => terminal.write(chunk, line),
    onNotice(notice) {
      const text = texts.textOf(notice);
      if (text !== undefined) say(text);
    },
  });
  if (isTaking) line.ask({ type: "takePen" });
  terminal.onInput((bytes) => line.write(bytes));
  say(`${uart} of ${target.name} is at ${link}; Ctrl-C ends`);
  const { isBroken, reason } = await Promise.race([line.ended, terminal.ended]);
  if (isBroken) {
    const problem = `the connection broke${reason === "" ? "" : `: ${reason}`}`;
    throw new FarmError("ChannelUnreachable", { channel: uart, instance: target.name, problem });
  }
  say(reason === "" ? `${link} is gone` : reason);
  return EXIT.passed;
}

/** A pair of a device that programs open and a stream that is its other end. */
class PseudoTerminal implements AsyncDisposable {
  /** Path of the device. */
  readonly device: string;
  /** Settles when it is gone. */
  readonly ended: Promise<{ readonly isBroken: boolean; readonly reason: string }>;
  readonly #socat: ReturnType<typeof startSocat>;
  readonly #holder: AsyncDisposable;
  #isHeld = false;

  private constructor(device: string, socat: ReturnType<typeof startSocat>, holder: AsyncDisposable) {
    this.device = device;
    this.#socat = socat;
    this.#holder = holder;
    this.ended = socat.then(({ isCanceled, exitCode }) => ({
      isBroken: !isCanceled,
      reason: isCanceled ? "" : `socat ended with ${exitCode ?? "a signal"}`,
    }));
    // A write after its end: `ended` tells.
    socat.stdin.on("error", () => {});
  }

  static async open(signal: AbortSignal): Promise<PseudoTerminal> {
    const socat = startSocat(signal);
    let words = "";
    const lines = createInterface({ input: socat.stderr });
    for await (const line of lines) {
      words = line;
      const device = DEVICE.exec(line)?.[1];
      if (device === undefined) continue;
      lines.close();
      socat.stderr.resume();
      // Held open, or the first program that closes the device would end it.
      return new PseudoTerminal(device, socat, await open(device, "r+"));
    }
    const { cause } = await socat;
    signal.throwIfAborted();
    if (isMissing(cause)) {
      throw new FarmError("ToolMissing", { tool: "socat", purpose: "pseudo-terminals" }, { cause });
    }
    throw new FarmError("Internal", { detail: `socat made no pseudo-terminal: ${words}` }, { cause });
  }

  onInput(listener: (bytes: Buffer) => void): void {
    this.#socat.stdout.on("data", listener);
  }

  /** What nobody reads waits in the device, which holds some kilobytes, and then at the farm. */
  write(chunk: Uint8Array, line: Pick<ConsoleLine, "hold">): void {
    const { stdin } = this.#socat;
    if (stdin.write(chunk) || this.#isHeld) return;
    this.#isHeld = true;
    line.hold(true);
    stdin.once("drain", () => {
      this.#isHeld = false;
      line.hold(false);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#holder[Symbol.asyncDispose]();
    this.#socat.kill("SIGTERM");
    await this.#socat;
  }
}

function startSocat(signal: AbortSignal) {
  return execa("socat", ["-d", "-d", "pty,rawer", "-"], {
    stdio: "pipe",
    encoding: "buffer",
    buffer: false,
    reject: false,
    cancelSignal: signal,
  });
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && (cause as NodeJS.ErrnoException).code === "ENOENT";
}

/** Makes a symbolic link and takes it away again. One that is left of a device that is gone is replaced. */
async function linkTo(device: string, path: string): Promise<AsyncDisposable> {
  try {
    await symlink(device, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST" || !(await isLeftOver(path))) {
      throw new FarmError("Conflict", { what: `A device at ${path}`, problem: problemOf(error) }, { cause: error });
    }
    await rm(path);
    await symlink(device, path);
  }
  return {
    async [Symbol.asyncDispose]() {
      // Somebody who has put something else there keeps it.
      const now = await readlink(path).catch(() => undefined);
      if (now === device) await rm(path, { force: true });
    },
  };
}

function problemOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === "EEXIST" ? "something else is there already" : message;
}

async function isLeftOver(path: string): Promise<boolean> {
  const device = await readlink(path).catch(() => "");
  if (!device.startsWith("/dev/pts/")) return false;
  return (await stat(device).catch(() => undefined)) === undefined;
}
