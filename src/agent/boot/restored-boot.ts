import { createHash } from "node:crypto";
import { FarmError } from "../../core/error/farm-error.ts";
import type { Progress } from "../progress.ts";
import type { QmpClient } from "../qmp/qmp-client.ts";
import { loadState } from "../snapshot/migration.ts";
import { makeSnapshot, RAM_IN_SLOT } from "../snapshot/snapshot-maker.ts";
import type { Snapshot, SnapshotStore } from "../snapshot/snapshot-store.ts";
import type { Boot } from "./boot.ts";
import { type BootParts, type BootPlan, goOn, madeBoot, sweep } from "./boot-parts.ts";
import type { EmulatorLauncher } from "./emulator-launcher.ts";
import { readyInWords } from "./ready-watch.ts";
import { spawnedBoot } from "./spawned-boot.ts";

/** How the state of a guest is kept: with its RAM, or with the RAM in a file of its own that many guests share. */
export type RestoringWay = "snapshot" | "template";

/** What boots from the states of guests share. */
export interface RestoredParts extends BootParts {
  readonly snapshots: SnapshotStore;
}

/** A boot from the state at the ready pattern; that is made by a cold boot where there is none yet. */
export async function restoredBoot(
  parts: RestoredParts,
  plan: BootPlan,
  strategy: RestoringWay,
  progress: Progress,
): Promise<Boot> {
  const { launcher, standby, snapshots, spareAfterMs } = parts;
  const { request, emulator } = plan;
  const { slot, tenant, boardName, uarts } = request;
  const snapshotKey = snapshotKeyOf(launcher, plan, strategy);
  const snapshot = await findSnapshot(parts, plan, { strategy, key: snapshotKey, progress });
  const ram = snapshot.ram === undefined ? undefined : { path: snapshot.ram, isShared: false };
  const incoming = { ...request, ram };
  const key = digestOf([snapshotKey, launcher.keyOf(incoming, emulator, "incoming")]);
  const launch = async () => {
    await sweep(slot);
    return launcher.launch(incoming, emulator, "incoming");
  };
  const waiting = await standby.take(slot, { tenant, key });
  const live = waiting?.live ?? (await launch());
  for (const uart of uarts) uart.replay(snapshot.outputs.get(uart.name) ?? Buffer.alloc(0));
  const begin = async (qmp: QmpClient) => {
    try {
      const signal = AbortSignal.timeout(qmp.answerTimeoutMs);
      await loadState(qmp, { path: snapshot.state, isTemplate: strategy === "template", signal });
    } catch (cause) {
      await snapshots.drop(snapshotKey);
      throw new FarmError("SnapshotFailed", { detail: (cause as Error).message }, { cause });
    }
    // Not sent ahead: the guest was paused when it was saved, and comes up so.
    goOn(qmp, { request, emulator });
  };
  const onDisposed = () =>
    standby.keepLater(slot, spareAfterMs, async () => ({ live: await launch(), key, boardName, tenant }));
  return madeBoot(parts, { strategy, request, live, begin, onDisposed });
}

/** The stored state, or one that is made now in the slot. */
async function findSnapshot(
  parts: RestoredParts,
  { request, emulator }: BootPlan,
  { strategy, key, progress }: { strategy: RestoringWay; key: string; progress: Progress },
): Promise<Snapshot> {
  const { slot, board, uarts, events } = request;
  const isTemplate = strategy === "template";
  if (board.ready) events.onStartWaits?.(`${readyInWords(board.ready)}, in a boot to make a ${strategy} of`);
  const make = async (folder: string) => {
    await parts.standby.take(slot, undefined);
    await sweep(slot);
    const cold = { ...request, boot: 0, isPaused: false, decidingText: undefined, events: {} };
    const ram = isTemplate ? { path: RAM_IN_SLOT, isShared: true } : undefined;
    return makeSnapshot({
      ...{ board, slot, isTemplate, folder, progress, shownOn: uarts },
      boot: (captured) => spawnedBoot(parts, { ...cold, uarts: captured }, emulator, { ram }),
    });
  };
  const snapshot = await parts.snapshots.get(key, make, progress.signal);
  events.onStartWaits?.(undefined);
  return snapshot;
}

/** All that a guest's state depends on, and whose it is. */
export function snapshotKeyOf(
  launcher: Pick<EmulatorLauncher, "keyOf">,
  { request, emulator, firmware }: BootPlan,
  way: RestoringWay,
): string {
  const launchKey = launcher.keyOf({ ...request, firmware: undefined }, emulator, "incoming");
  return digestOf([
    ...[way, request.tenant, launchKey, JSON.stringify(request.board.ready)],
    ...[firmware.identity ?? "", firmware.append ?? ""],
  ]);
}

function digestOf(parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("\0")).digest("hex");
}
