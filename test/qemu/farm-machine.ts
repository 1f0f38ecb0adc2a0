import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";
import { QmpClient } from "../../src/agent/qmp/qmp-client.ts";
import type { QmpEvent } from "../../src/agent/qmp/qmp-session.ts";
import type { MachineKind } from "./machine-table.ts";

const FOLDER = process.env.EMUFARM_FARM_QEMU_PATH;
const IMAGES = join(import.meta.dirname, "../../examples/images");
const WAIT_MS = 20_000;

/** Tests of the farm's own emulator; without one they are skipped, and say so. */
export function describeFarmQemu(name: string, tests: () => void): void {
  const isHere = FOLDER !== undefined && existsSync(FOLDER);
  describe.skipIf(!isHere)(isHere ? name : `${name} (the farm's own QEMU is not here: npm run qemu)`, tests);
}

/** An image of the examples. */
export function exampleImage({ board }: MachineKind, app: string): string {
  return join(IMAGES, board, `${app}.elf`);
}

/** The parts of a stream that have come, and waiting for more. */
export class Recording {
  #bytes = Buffer.alloc(0);
  #changed = Promise.withResolvers<void>();
  socket: Socket | undefined;

  take(socket: Socket): void {
    this.socket = socket;
    socket.on("data", (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    });
    // A machine that has ended takes no more input: what the test waits for tells.
    socket.on("error", () => {});
  }

  text(from = 0): string {
    return this.#bytes.toString("latin1", from);
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** Settles with the text since an offset, once it matches. */
  async until(wanted: string | RegExp, from = 0): Promise<string> {
    const isThere = () =>
      typeof wanted === "string" ? this.text(from).includes(wanted) : wanted.test(this.text(from));
    return await deadline(
      `${wanted} from the guest`,
      () => this.text(from).slice(-400),
      async () => {
        while (!isThere()) await this.#changed.promise;
        return this.text(from);
      },
    );
  }

  /** Settles once this many bytes have come. */
  async untilLength(length: number): Promise<void> {
    await deadline(
      `${length} bytes`,
      () => `${this.length} bytes came`,
      async () => {
        while (this.length < length) await this.#changed.promise;
      },
    );
  }
}

async function deadline<T>(what: string, found: () => string, wait: () => Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`waited ${WAIT_MS} ms for ${what}: ${found()}`)), WAIT_MS);
  try {
    return await Promise.race([wait(), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

export interface RecycleInfo {
  readonly serials: readonly { label: string; written: number; dropped: number }[];
  readonly "virtual-ns": number;
}

export interface FarmMachineOptions {
  readonly image?: string;
  readonly args?: readonly string[];
  /** Whether the process lives on after its guest's end. */
  readonly isKept?: boolean;
  /** Further sockets that the emulator connects to, as chardevs of these names. */
  readonly chardevs?: readonly string[];
}

/** One process of the farm's own emulator, over its sockets. */
export class FarmMachine {
  readonly kind: MachineKind;
  readonly folder: string;
  readonly uart = new Recording();
  readonly chardevs = new Map<string, Recording>();
  readonly events: QmpEvent[] = [];
  readonly exited: Promise<number | NodeJS.Signals | null>;
  readonly #child: ChildProcess;
  readonly #servers: Server[];
  #eventCame = Promise.withResolvers<void>();
  #qmp!: QmpClient;
  stderr = "";

  private constructor(kind: MachineKind, folder: string, child: ChildProcess, servers: Server[]) {
    this.kind = kind;
    this.folder = folder;
    this.#child = child;
    this.#servers = servers;
    this.exited = new Promise((resolve) => child.once("close", (code, signal) => resolve(code ?? signal)));
    child.stderr?.on("data", (chunk) => {
      this.stderr += chunk;
    });
  }

  static async start(kind: MachineKind, options: FarmMachineOptions = {}): Promise<FarmMachine> {
    const folder = await mkdtemp(join(tmpdir(), "fq-"));
    const names = ["qmp", "uart", ...(options.chardevs ?? [])];
    const servers: Server[] = [];
    const sockets = await Promise.all(names.map((name) => listen(join(folder, name), servers)));
    const child = spawn(join(FOLDER ?? "", `qemu-system-${kind.target}`), [
      ...kind.args,
      ...["-nodefaults", "-no-user-config", "-display", "none", "-monitor", "none", "-S"],
      ...((options.isKept ?? true) ? ["-action", "shutdown=pause"] : []),
      ...names.flatMap((name) => ["-chardev", `socket,id=${name},path=${join(folder, name)}`]),
      ...["-mon", "chardev=qmp,mode=control", "-serial", "chardev:uart"],
      ...(options.image === undefined ? [] : [kind.load, options.image]),
      ...(options.args ?? []),
    ]);
    const machine = new FarmMachine(kind, folder, child, servers);
    try {
      await deadline(
        "the emulator's sockets",
        () => machine.stderr,
        () =>
          Promise.race([
            machine.#take(names, sockets),
            machine.exited.then(() => Promise.reject(new Error(`the emulator ended: ${machine.stderr}`))),
          ]),
      );
    } catch (error) {
      await machine[Symbol.asyncDispose]();
      throw error;
    }
    return machine;
  }

  async #take(names: readonly string[], sockets: readonly { readonly connected: Promise<Socket> }[]): Promise<void> {
    for (const [index, { connected }] of sockets.entries()) {
      const socket = await connected;
      const name = names[index] ?? "";
      if (name === "qmp") this.#qmp = new QmpClient(socket, WAIT_MS);
      else this.#record(name).take(socket);
    }
    this.#qmp.onEvent((event) => {
      this.events.push(event);
      this.#eventCame.resolve();
      this.#eventCame = Promise.withResolvers();
    });
    await this.#qmp.ready;
  }

  #record(name: string): Recording {
    if (name === "uart") return this.uart;
    const recording = new Recording();
    this.chardevs.set(name, recording);
    return recording;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get qmp(): QmpClient {
    return this.#qmp;
  }

  async execute<T = unknown>(command: string, args?: Readonly<Record<string, unknown>>): Promise<T> {
    return (await this.#qmp.execute(command, args)) as T;
  }

  /** Lets a guest run whose end is that of the process. */
  async runToExit(): Promise<number | NodeJS.Signals | null> {
    // A quick one ends it before the answer.
    await this.execute("cont").catch(() => {});
    return await this.exited;
  }

  async status(): Promise<string> {
    return (await this.execute<{ status: string }>("query-status")).status;
  }

  /** Starts an image, or those of the command line, in the same process; settles once it runs. */
  async recycle(image?: string, args: Readonly<Record<string, unknown>> = {}): Promise<RecycleInfo> {
    this.events.length = 0;
    return await this.execute("__dev.emufarm_recycle", {
      ...(image !== undefined && { image }),
      resume: true,
      ...args,
    });
  }

  /** The data of the first event of this name since the start or the last recycling. */
  async event(name: string): Promise<Record<string, unknown>> {
    return await deadline(
      `the event ${name}`,
      () => `events ${JSON.stringify(this.events)}, stderr ${this.stderr}`,
      async () => {
        for (;;) {
          const found = this.events.find((one) => one.event === name);
          if (found !== undefined) return found.data ?? {};
          await this.#eventCame.promise;
        }
      },
    );
  }

  /** Recycles, lets the guest run to its end, and gives what it said and its exit code. */
  async run(image: string): Promise<{ text: string; code: unknown; dropped: number }> {
    const { serials } = await this.recycle(image);
    const { written, dropped } = serials.find(({ label }) => label === "uart") ?? { written: 0, dropped: 0 };
    if (!this.kind.hasEnd) return { text: await this.uart.until(/exit code \d+\n/, written), code: undefined, dropped };
    // A power-off has none.
    const { "exit-code": code = 0 } = await this.event("SHUTDOWN");
    // The stream's length tells when all of it is here; a guest that has ended writes no more.
    const { serials: ended } = await this.execute<RecycleInfo>("__dev.emufarm_recycle");
    const end = ended.find(({ label }) => label === "uart")?.written ?? 0;
    await this.uart.untilLength(end);
    return { text: this.uart.text(written).slice(0, end - written), code, dropped };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exited;
    this.#qmp?.[Symbol.dispose]();
    this.uart.socket?.destroy();
    for (const { socket } of this.chardevs.values()) socket?.destroy();
    for (const server of this.#servers) server.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Listens where the emulator will connect; wrapped, since the socket itself is waited for later. */
async function listen(path: string, servers: Server[]): Promise<{ readonly connected: Promise<Socket> }> {
  const server = createServer();
  servers.push(server);
  const connected = new Promise<Socket>((resolve) => server.once("connection", resolve));
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(path, resolve));
  return { connected };
}
