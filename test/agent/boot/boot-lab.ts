import { mkdtempSync, rmSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, expect } from "vitest";
import type { Boot, BootRequest, BootStrategy } from "../../../src/agent/boot/boot.ts";
import { createBootStrategy } from "../../../src/agent/boot/boot-strategy.ts";
import { Emulators, findProgram } from "../../../src/agent/emulator/emulators.ts";
import { Progress } from "../../../src/agent/progress.ts";
import { Slot } from "../../../src/agent/slot/slot.ts";
import { SnapshotStore } from "../../../src/agent/snapshot/snapshot-store.ts";
import { KickSchedule } from "../../../src/agent/uart/kick-schedule.ts";
import type { UartPort } from "../../../src/agent/uart/uart-port.ts";
import type { BoardSpec } from "../../../src/core/schema/board.ts";
import { createLog } from "../../../src/log/log.ts";
import { emulatorsUnder } from "../attempt/agent-lab.ts";

const SEARCH_PATH = [process.env.EMUFARM_QEMU_PATH, process.env.PATH].join(delimiter).split(delimiter);

let probes: string | undefined;
afterAll(() => {
  if (probes !== undefined) rmSync(probes, { recursive: true, force: true });
});

/** Emulators are probed once for all tests of a file; where all are skipped there is nothing to keep. */
function probesFolder(): string {
  probes ??= mkdtempSync(join(tmpdir(), "probes-"));
  return probes;
}

/** A UART's end in a test: everything that came, and waiting for a text. */
export class RecordingUart implements UartPort {
  readonly name: string;
  readonly chunks: Buffer[] = [];
  #socket: Socket | undefined;
  #kicks: KickSchedule | undefined;
  #changed = Promise.withResolvers<void>();
  isEnded = false;

  constructor(name: string) {
    this.name = name;
  }

  attach(socket: Socket, _boot: number, kick: (() => void) | undefined): () => void {
    this.#socket = socket;
    this.#kicks = kick && new KickSchedule(kick);
    const onData = (chunk: Buffer) => {
      this.chunks.push(chunk);
      this.#wake();
    };
    const unplug = () => {
      socket.off("data", onData);
      this.isEnded = true;
      this.#kicks?.stop();
      this.#wake();
    };
    socket.on("data", onData);
    socket.once("close", unplug);
    return unplug;
  }

  replay(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.#wake();
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString("latin1");
  }

  /** Settles once the text has come; rejects when the line ends without it. */
  async until(text: string): Promise<void> {
    while (!this.text.includes(text)) {
      if (this.isEnded) throw new Error(`${this.name} ended without ${text}; it said ${this.text}`);
      await this.#changed.promise;
    }
  }

  write(text: string): void {
    this.#socket?.write(text);
    this.#kicks?.start();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

export interface BootLab extends AsyncDisposable {
  readonly folder: string;
  readonly slot: Slot;
  readonly emulators: Emulators;
  readonly strategy: BootStrategy;
  /** The same as `boot`, without making anything ready. */
  start(board: BoardSpec, options?: Partial<BootRequest>): Promise<{ boot: Boot; uarts: RecordingUart[] }>;
  /** Emulators that run in the slot. */
  emulatorPids(): Promise<number[]>;
  /** Boots a board with recording UARTs. */
  boot(board: BoardSpec, options?: Partial<BootRequest>): Promise<{ boot: Boot; uarts: RecordingUart[] }>;
}

export interface BootLabOptions {
  /** How boots are made; default spawn. What waits for a boot is made ready before it. */
  readonly strategy?: BootRequest["strategy"];
  readonly searchPath?: readonly string[];
  readonly uid?: number | undefined;
  readonly stopGraceMs?: number;
  /** Folder between the temporary folder and the slots. */
  readonly subfolder?: string;
}

/** A slot and a strategy in a temporary folder, as an agent has them. As root, the slot has a user of its own. */
export async function createBootLab(options: BootLabOptions = {}): Promise<BootLab> {
  const folder = await mkdtemp(join(tmpdir(), "boot-"));
  await chmod(folder, 0o755);
  const uid = "uid" in options ? options.uid : process.getuid?.() === 0 ? 65_700 + (process.pid % 1_000) : undefined;
  const slot = await Slot.open({ index: 0, folder: join(folder, options.subfolder ?? "", "slots", "0"), uid });
  const emulators = new Emulators({
    searchPath: options.searchPath ?? SEARCH_PATH,
    cacheFolder: probesFolder(),
    uid,
  });
  const prlimit = await findProgram("prlimit", SEARCH_PATH);
  if (prlimit === undefined) throw new Error("prlimit of util-linux is missing");
  const { stopGraceMs = 2_000, strategy: wanted = "spawn" } = options;
  const snapshots = await SnapshotStore.open({
    folder: join(folder, "snapshots"),
    limitBytes: 1024 ** 3,
    log: createLog({ name: "test", level: "silent" }),
  });
  const strategy = createBootStrategy({ emulators, snapshots, prlimit, stopGraceMs, spareAfterMs: 0 });
  const boots: Boot[] = [];
  const start = async (board: BoardSpec, request: Partial<BootRequest> = {}) => {
    const uarts = board.uarts.map(({ name }) => new RecordingUart(name));
    using progress = new Progress();
    const boot = await strategy.boot(
      {
        boot: 1,
        tenant: "test",
        strategy: wanted,
        slot,
        boardName: "board",
        board,
        firmware: undefined,
        isPaused: false,
        network: "none",
        onReset: "continue",
        maxResets: 20,
        uarts,
        events: {},
        ...request,
      },
      progress,
    );
    boots.push(boot);
    return { boot, uarts };
  };
  /** Something waits in the slot afterwards: a boot of the same kind has been there. */
  const makeReady = async (board: BoardSpec, request: Partial<BootRequest>) => {
    const { tenant = "test" } = request;
    if (strategy.rank(slot, { tenant, boardName: "board" }) === 2) return;
    const first = await start(board, { ...request, events: {} });
    await first.boot.running;
    await first.boot[Symbol.asyncDispose]();
    await expect.poll(() => strategy.rank(slot, { tenant, boardName: "board" })).toBe(2);
  };
  return {
    folder,
    slot,
    emulators,
    strategy,
    start,
    emulatorPids: () => emulatorsUnder(folder),
    async boot(board, request = {}) {
      if (wanted !== "spawn" && request.firmware) await makeReady(board, request);
      return start(board, request);
    },
    async [Symbol.asyncDispose]() {
      for (const boot of boots) await boot[Symbol.asyncDispose]();
      await strategy[Symbol.asyncDispose]();
      await slot[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
