import { createHash } from "node:crypto";
import { FarmError } from "../../core/error/farm-error.ts";
import type { BootStrategyName } from "../../core/schema/boot-strategy.ts";
import type { GuestRam } from "../emulator/emulator-arguments.ts";
import type { BoardEmulator, Emulators } from "../emulator/emulators.ts";
import type { Progress } from "../progress.ts";
import type { QmpClient } from "../qmp/qmp-client.ts";
import type { Slot } from "../slot/slot.ts";
import { loadState } from "../snapshot/migration.ts";
import { makeSnapshot, RAM_IN_SLOT } from "../snapshot/snapshot-maker.ts";
import type { SnapshotStore } from "../snapshot/snapshot-store.ts";
import type { Boot, BootRequest, BootStrategy, FirmwareFiles } from "./boot.ts";
import { chooseStrategy } from "./choose-strategy.ts";
import { EmulatorBoot } from "./emulator-boot.ts";
import { createEmulatorLauncher, type EmulatorLauncher } from "./emulator-launcher.ts";
import { prepareFirmware } from "./flash-image.ts";
import { awaitedFirmware, machineFirmware, placeAwaited, recycleArguments } from "./given-firmware.ts";
import type { LiveEmulator } from "./live-emulator.ts";
import { readyInWords } from "./ready-watch.ts";
import { Standby, type Waiting } from "./standby.ts";

/** Command of the farm's own QEMU (images/qemu). */
const RECYCLE = "__dev.emufarm_recycle";

export interface BootStrategyDependencies {
  readonly emulators: Emulators;
  readonly snapshots: SnapshotStore;
  /** Path of util-linux' prlimit. */
  readonly prlimit: string;
  /** How long an emulator may take until its QMP answers; default 60 s. */
  readonly answerTimeoutMs?: number;
  /** How long an emulator may take to end when asked to; default 2 s. */
  readonly stopGraceMs?: number;
  /** A slot that stays free so long gets an emulator that waits for the board that it had last; default 100 ms. */
  readonly spareAfterMs?: number;
}

/** What a boot is made of, once its way is chosen. */
interface Plan {
  readonly request: BootRequest;
  readonly emulator: BoardEmulator;
  readonly firmware: FirmwareFiles;
}

/** Boots guests in the way that is asked for, and keeps what the next boot can use. */
export function createBootStrategy(dependencies: BootStrategyDependencies): BootStrategy & AsyncDisposable {
  const { emulators, prlimit, answerTimeoutMs = 60_000, stopGraceMs = 2_000, spareAfterMs = 100 } = dependencies;
  const launcher = createEmulatorLauncher({ prlimit, answerTimeoutMs, stopGraceMs });
  const boots = new Boots(launcher, dependencies.snapshots, { stopGraceMs, spareAfterMs });
  return {
    async boot(request, progress) {
      const emulator = await emulators.forBoard(request.boardName, request.board);
      const strategy = chooseStrategy(request, emulator);
      progress.signal.throwIfAborted();
      return boots.boot(strategy, request, emulator, progress);
    },
    rank: (slot, wanted) => boots.standby.rank(slot, wanted),
    [Symbol.asyncDispose]: () => boots.standby[Symbol.asyncDispose](),
  };
}

class Boots {
  readonly standby = new Standby();
  readonly #launcher: EmulatorLauncher;
  readonly #snapshots: SnapshotStore;
  readonly #stopGraceMs: number;
  readonly #spareAfterMs: number;

  constructor(
    launcher: EmulatorLauncher,
    snapshots: SnapshotStore,
    times: { stopGraceMs: number; spareAfterMs: number },
  ) {
    this.#launcher = launcher;
    this.#snapshots = snapshots;
    this.#stopGraceMs = times.stopGraceMs;
    this.#spareAfterMs = times.spareAfterMs;
  }

  async boot(
    strategy: BootStrategyName,
    request: BootRequest,
    emulator: BoardEmulator,
    progress: Progress,
  ): Promise<Boot> {
    const { firmware } = request;
    if (firmware !== undefined && strategy === "recycle") return this.#recycled({ request, emulator, firmware });
    if (firmware !== undefined && (strategy === "snapshot" || strategy === "template")) {
      return this.#restored({ request, emulator, firmware }, strategy, progress);
    }
    if (firmware !== undefined && strategy === "spare") return this.#spare({ request, emulator, firmware });
    await this.standby.take(request.slot, undefined);
    return this.#spawned(request, emulator);
  }

  async #spawned(
    request: BootRequest,
    emulator: BoardEmulator,
    { ram, onDisposed }: { ram?: GuestRam | undefined; onDisposed?: () => void } = {},
  ): Promise<Boot> {
    await sweep(request.slot);
    const firmware = request.firmware && (await prepareFirmware(request, request.firmware));
    const live = await this.#launcher.launch({ ...request, firmware, ram }, emulator, "image");
    return this.#made("spawn", request, live, (qmp) => begun(qmp, request), { ...(onDisposed && { onDisposed }) });
  }

  /** A process that was started ahead, and has waited before it made its machine. */
  async #spare({ request, emulator, firmware }: Plan): Promise<Boot> {
    const { slot, tenant, board, boardName } = request;
    const awaited = { ...request, firmware: awaitedFirmware(firmware.format) };
    const key = this.#launcher.keyOf(awaited, emulator, "preconfig");
    const onDisposed = () =>
      this.standby.keepLater(slot, this.#spareAfterMs, async () => {
        await sweep(slot);
        const live = await this.#launcher.launch(awaited, emulator, "preconfig");
        return { live, key, boardName, tenant: undefined };
      });
    const waiting = await this.standby.take(slot, { tenant, key });
    if (!waiting) return this.#spawned(request, emulator, { onDisposed });
    await placeAwaited(board, firmware, slot);
    const begin = (qmp: QmpClient) => {
      const told = Object.entries(machineFirmware(board, firmware)).map(([property, value]) =>
        qmp.execute("qom-set", { path: "/machine", property, value }),
      );
      const made = qmp.execute("x-exit-preconfig", undefined, { timeoutMs: qmp.answerTimeoutMs });
      goOn(qmp, request);
      return Promise.all([...told, made]);
    };
    return this.#made("spare", request, waiting.live, begin, { onDisposed });
  }

  /** A process that has served a boot of the same tenant, or none yet; it starts without firmware. */
  async #recycled({ request, emulator, firmware }: Plan): Promise<Boot> {
    const { slot, tenant, board, boardName } = request;
    const empty = { ...request, firmware: undefined };
    const key = this.#launcher.keyOf(empty, emulator, "empty");
    const waiting = await this.standby.take(slot, { tenant, key });
    const live = waiting?.live ?? (await this.#launchEmpty(empty, emulator));
    const waitingOf = (of: string | undefined, one: LiveEmulator): Waiting => ({
      live: one,
      key,
      boardName,
      tenant: of,
    });
    const onDisposed = () =>
      this.standby.keepLater(slot, this.#spareAfterMs, async () =>
        waitingOf(undefined, await this.#launchEmpty(empty, emulator)),
      );
    try {
      await live.qmp.execute(RECYCLE, recycleArguments(board, firmware), { timeoutMs: live.qmp.answerTimeoutMs });
    } catch {
      // An image that it does not take as it stands, or a process that has died: a fresh start tells which.
      await live[Symbol.asyncDispose]();
      return this.#spawned(request, emulator, { onDisposed });
    }
    return this.#made(wayOf(waiting), request, live, (qmp) => begun(qmp, request), {
      onReusable: (one) => this.standby.keep(slot, waitingOf(tenant, one)),
      onDisposed,
    });
  }

  /** The state at the ready pattern; made by a cold boot where there is none yet. */
  async #restored(
    { request, emulator, firmware }: Plan,
    strategy: "snapshot" | "template",
    progress: Progress,
  ): Promise<Boot> {
    const { slot, tenant, board, boardName, uarts, events } = request;
    const isTemplate = strategy === "template";
    const launchKey = this.#launcher.keyOf({ ...request, firmware: undefined }, emulator, "incoming");
    const snapshotKey = digestOf([
      ...[strategy, tenant, launchKey, JSON.stringify(board.ready)],
      ...[firmware.identity ?? "", firmware.append ?? ""],
    ]);
    if (board.ready) events.onStartWaits?.(`${readyInWords(board.ready)}, in a boot to make a ${strategy} of`);
    const snapshot = await this.#snapshots.get(snapshotKey, async (folder) => {
      await this.standby.take(slot, undefined);
      await sweep(slot);
      const cold = { ...request, boot: 0, isPaused: false, events: {} };
      const ram = isTemplate ? { path: RAM_IN_SLOT, isShared: true } : undefined;
      return makeSnapshot({
        ...{ board, slot, isTemplate, folder, progress, shownOn: uarts },
        boot: (captured) => this.#spawned({ ...cold, uarts: captured }, emulator, { ram }),
      });
    });
    events.onStartWaits?.(undefined);
    const ram = snapshot.ram === undefined ? undefined : { path: snapshot.ram, isShared: false };
    const incoming = { ...request, ram };
    const key = digestOf([snapshotKey, this.#launcher.keyOf(incoming, emulator, "incoming")]);
    const launch = async () => {
      await sweep(slot);
      return this.#launcher.launch(incoming, emulator, "incoming");
    };
    const waiting = await this.standby.take(slot, { tenant, key });
    const live = waiting?.live ?? (await launch());
    for (const uart of uarts) uart.replay(snapshot.outputs.get(uart.name) ?? Buffer.alloc(0));
    const begin = async (qmp: QmpClient) => {
      try {
        const signal = AbortSignal.timeout(qmp.answerTimeoutMs);
        await loadState(qmp, { path: snapshot.state, isTemplate, signal });
      } catch (cause) {
        await this.#snapshots.drop(snapshotKey);
        throw new FarmError("SnapshotFailed", { detail: (cause as Error).message }, { cause });
      }
      // Not sent ahead: the guest was paused when it was saved, and comes up so.
      goOn(qmp, request);
    };
    return this.#made(strategy, request, live, begin, {
      onDisposed: () =>
        this.standby.keepLater(slot, this.#spareAfterMs, async () => ({
          live: await launch(),
          key,
          boardName,
          tenant,
        })),
    });
  }

  async #launchEmpty(request: BootRequest, emulator: BoardEmulator): Promise<LiveEmulator> {
    await sweep(request.slot);
    return this.#launcher.launch(request, emulator, "empty");
  }

  #made(
    strategy: BootStrategyName,
    request: BootRequest,
    live: LiveEmulator,
    begin: (qmp: QmpClient) => Promise<unknown>,
    ends: { onReusable?: (live: LiveEmulator) => void; onDisposed?: () => void },
  ): Boot {
    return new EmulatorBoot(request, { strategy, live, begin, stopGraceMs: this.#stopGraceMs, ...ends });
  }
}

/** A process that nobody has run in is a fresh one, whether it waited or not. */
function wayOf(waiting: Waiting | undefined): BootStrategyName {
  if (!waiting) return "spawn";
  return waiting.tenant === undefined ? "spare" : "recycle";
}

function digestOf(parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("\0")).digest("hex");
}

/** Sent ahead: it lies in the socket when the emulator gets there, so that nobody waits for anybody. */
function goOn(qmp: QmpClient, { isPaused }: BootRequest): void {
  if (isPaused) return;
  qmp.execute("cont", undefined, { timeoutMs: qmp.answerTimeoutMs }).catch(() => {
    // A quick guest takes the emulator away with it before this is answered; `running` and `exited` tell the rest.
  });
}

/** The guest has been let go, and QMP has answered. */
function begun(qmp: QmpClient, request: BootRequest): Promise<void> {
  goOn(qmp, request);
  return qmp.ready;
}

/** A slot that could not be emptied after its last guest must not show its remains to the next. */
async function sweep(slot: Slot): Promise<void> {
  try {
    await slot.sweep();
  } catch (cause) {
    const detail = `the folder of slot ${slot.index} cannot be emptied: ${(cause as Error).message}`;
    throw new FarmError("EmulatorStartFailed", { detail }, { cause });
  }
}
