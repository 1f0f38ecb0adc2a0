import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Board, FirmwareFormat } from "../../src/core/schema/board.ts";

/** An image and how it is to be loaded. */
export interface BareFirmware {
  path: string;
  format?: FirmwareFormat;
  initrd?: string;
  dtb?: string;
  append?: string;
}

export interface BareExit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Reasons of the SHUTDOWN and RESET events that came before the end. */
  events: string[];
  stderr: string;
}

/** How long a UART is listened to for an expected text, before the board's multiplier. */
const PATIENCE_MS = 30_000;

/**
 * One emulator started by hand with the options that the agent uses, so that a manifest can be proven
 * without the farm. Sockets are listened on here; the emulator connects.
 */
export class BareQemu implements AsyncDisposable {
  readonly uarts: BareUart[] = [];
  readonly exited: Promise<BareExit>;
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #servers: Server[];
  readonly #events: string[] = [];
  #qmp: Socket | undefined;

  private constructor(process: ChildProcess, folder: string, servers: Server[], uarts: BareUart[]) {
    this.#process = process;
    this.#folder = folder;
    this.#servers = servers;
    this.uarts = uarts;
    let stderr = "";
    process.stderr?.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    this.exited = once(process, "close").then(([code, signal]) => ({ code, signal, events: this.#events, stderr }));
  }

  static async start(board: Board, firmware: BareFirmware, binaryFolder?: string): Promise<BareQemu> {
    const folder = mkdtempSync(join(tmpdir(), "ef-"));
    const uarts = board.spec.uarts.map((uart) => new BareUart(uart.name, board.spec.timeoutMultiplier * PATIENCE_MS));
    const servers = [...uarts.map((uart) => createServer((socket) => uart.attach(socket)))];
    const qmp = createServer();
    await Promise.all(
      [...servers, qmp].map(async (server, index) => {
        server.listen(join(folder, index < servers.length ? `u${index}` : "qmp"));
        await once(server, "listening");
      }),
    );
    const { binary } = board.spec.emulator;
    const child = spawn(binaryFolder ? join(binaryFolder, binary) : binary, launchArguments(board, firmware, folder), {
      stdio: ["ignore", "ignore", "pipe"],
      cwd: folder,
    });
    const emulator = new BareQemu(child, folder, [...servers, qmp], uarts);
    qmp.on("connection", (socket) => emulator.#attachQmp(socket));
    for (const uart of uarts) uart.kick = () => emulator.#qmp?.write('{"execute":"query-status"}\n');
    return emulator;
  }

  uart(index = 0): BareUart {
    const uart = this.uarts[index];
    if (!uart) throw new Error(`no UART ${index}`);
    return uart;
  }

  #attachQmp(socket: Socket): void {
    let buffered = "";
    socket.on("error", () => {});
    socket.write('{"execute":"qmp_capabilities"}\n');
    this.#qmp = socket;
    socket.on("data", (chunk) => {
      const lines = (buffered + chunk.toString()).split("\n");
      buffered = lines.pop() ?? "";
      for (const line of lines) {
        const message = JSON.parse(line) as { event?: string; data?: { reason?: string } };
        if (message.event) this.#events.push([message.event, message.data?.reason].filter(Boolean).join(" "));
      }
    });
  }

  /** The end of the emulator, or an error when it has not come in time. */
  async exit(): Promise<BareExit> {
    const kicking = setInterval(() => this.uart().kick(), 20);
    const ended = await Promise.race([this.exited, sleep(20_000, undefined, { ref: false })]);
    clearInterval(kicking);
    if (!ended) throw new Error(`still running after 20 s; UART 0 has: ${this.uart().text.slice(-400)}`);
    return ended;
  }

  get events(): readonly string[] {
    return this.#events;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) this.#process.kill("SIGKILL");
    await this.exited;
    for (const server of this.#servers) server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** One UART as a test sees it: everything that came, and a place up to which it has been read. */
class BareUart {
  readonly name: string;
  readonly #patienceMs: number;
  #socket: Socket | undefined;
  #chunks = Buffer.alloc(0);
  #read = 0;
  #changed: (() => void) | undefined;
  kick: () => void = () => {};

  constructor(name: string, patienceMs: number) {
    this.name = name;
    this.#patienceMs = patienceMs;
  }

  attach(socket: Socket): void {
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      this.#chunks = Buffer.concat([this.#chunks, chunk]);
      this.#changed?.();
    });
  }

  get bytes(): Buffer {
    return this.#chunks;
  }

  get text(): string {
    return this.#chunks.toString("latin1");
  }

  /** Stops reading for a while, as a busy farm may. */
  async pause(ms: number): Promise<void> {
    this.#socket?.pause();
    await sleep(ms);
    this.#socket?.resume();
  }

  write(text: string): void {
    this.#socket?.write(text);
    this.kick();
  }

  /** Waits until the text has come after what was waited for before; returns what came until then. */
  async until(expected: string): Promise<string> {
    const deadline = Date.now() + this.#patienceMs;
    for (;;) {
      const at = this.#chunks.indexOf(expected, this.#read, "latin1");
      if (at >= 0) {
        const before = this.#chunks.subarray(this.#read, at).toString("latin1");
        this.#read = at + expected.length;
        return before;
      }
      if (Date.now() > deadline) {
        throw new Error(
          `${this.name} did not say ${JSON.stringify(expected)}; it said ${JSON.stringify(this.text.slice(-400))}`,
        );
      }
      // Input may lie in the socket until the emulator's main loop turns: each turn here wakes it.
      this.kick();
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#changed = resolve;
        }),
        sleep(20),
      ]);
    }
  }
}

/** The emulator's arguments for a board and an image, as the agent's launch has them. */
export function launchArguments(board: Board, firmware: BareFirmware, folder: string): string[] {
  const { emulator, memory, uarts, semihosting, network } = board.spec;
  const serials = Math.max(...uarts.map((uart) => uart.index)) + 1;
  const args = ["-M", emulator.machine];
  if (emulator.cpu) args.push("-cpu", emulator.cpu);
  if (emulator.cpus > 1) args.push("-smp", String(emulator.cpus));
  for (const accelerator of emulator.accelerators) {
    if (accelerator !== "kvm" || hasHardwareKvm()) args.push("-accel", accelerator);
  }
  if (!memory.isFixed) args.push("-m", `${memory.ramMiB}M`);
  args.push("-nodefaults", "-no-user-config", "-display", "none", "-monitor", "none");
  args.push("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
  for (let index = 0; index < serials; index++) {
    const at = uarts.findIndex((uart) => uart.index === index);
    if (at < 0) args.push("-serial", "null");
    else args.push("-chardev", `socket,id=u${at},path=${join(folder, `u${at}`)}`, "-serial", `chardev:u${at}`);
  }
  if (semihosting) args.push("-semihosting-config", "enable=on,target=gdb");
  args.push("-qmp", `unix:${join(folder, "qmp")}`);
  for (const device of emulator.devices) args.push("-device", device);
  if (network) args.push("-netdev", "user,id=net0,restrict=on", "-device", `${network.device},netdev=net0`);
  args.push(...loadArguments(board, firmware), ...emulator.args);
  return args;
}

function loadArguments(board: Board, firmware: BareFirmware): string[] {
  const { emulator } = board.spec;
  const { load, loadByFormat, linux, loadAddress } = board.spec.firmware;
  const format = firmware.format ?? "elf";
  const byFormat: Partial<Record<FirmwareFormat, typeof load | undefined>> = loadByFormat;
  const option = byFormat[format] ?? load;
  const args: string[] = [];
  if (option !== "bios" && emulator.bios && emulator.bios !== "default") args.push("-bios", emulator.bios);
  if (option === "kernel") args.push("-kernel", firmware.path);
  else if (option === "bios") args.push("-bios", firmware.path);
  else if (option === "pflash") args.push("-drive", `if=pflash,format=raw,file=${firmware.path}`);
  else {
    const address = format === "bin" && loadAddress !== undefined ? `,addr=0x${loadAddress.toString(16)}` : "";
    args.push("-device", `loader,file=${firmware.path}${address}`);
  }
  if (format === "linux") {
    args.push("-append", firmware.append ?? linux?.append ?? "");
    if (firmware.initrd) args.push("-initrd", firmware.initrd);
    if (firmware.dtb) args.push("-dtb", firmware.dtb);
  }
  return args;
}

/** A /dev/kvm without the CPU's own virtualisation is an emulation of it, on which Linux does not boot. */
function hasHardwareKvm(): boolean {
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
    return process.arch !== "x64" || /^flags.*\b(vmx|svm)\b/m.test(readFileSync("/proc/cpuinfo", "utf8"));
  } catch {
    return false;
  }
}
