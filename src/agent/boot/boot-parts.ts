import { FarmError } from "../../core/error/farm-error.ts";
import type { BootStrategyName } from "../../core/schema/boot-strategy.ts";
import type { BoardEmulator } from "../emulator/emulators.ts";
import type { QmpClient } from "../qmp/qmp-client.ts";
import type { Slot } from "../slot/slot.ts";
import type { Boot, BootRequest, FirmwareFiles } from "./boot.ts";
import { stopAtDecidingText } from "./deciding-text.ts";
import { EmulatorBoot } from "./emulator-boot.ts";
import type { EmulatorLauncher } from "./emulator-launcher.ts";
import type { LiveEmulator } from "./live-emulator.ts";
import type { Standby } from "./standby.ts";

/** What every way to boot is made with. */
export interface BootParts {
  readonly launcher: EmulatorLauncher;
  readonly standby: Standby;
  /** How long an emulator may take to end when asked to. */
  readonly stopGraceMs: number;
  /** A slot that stays free so long gets an emulator that waits. */
  readonly spareAfterMs: number;
}

/** What a boot is made of, once its way is chosen. */
export interface BootPlan {
  readonly request: BootRequest;
  readonly emulator: BoardEmulator;
  readonly firmware: FirmwareFiles;
}

interface MadeBoot {
  readonly strategy: BootStrategyName;
  readonly request: BootRequest;
  readonly live: LiveEmulator;
  /** Sends what gets the guest going, all at once. */
  begin(qmp: QmpClient, connectPins: (() => Promise<void>) | undefined): Promise<unknown>;
  onReusable?(live: LiveEmulator): void;
  onDisposed?(): void;
}

/** The boot in an emulator that is there. */
export function madeBoot({ stopGraceMs }: BootParts, { request, ...made }: MadeBoot): Boot {
  return new EmulatorBoot(request, { ...made, stopGraceMs });
}

/** Sent ahead: it lies in the socket when the emulator gets there, so that nobody waits for anybody. */
export function goOn(qmp: QmpClient, plan: Omit<BootPlan, "firmware">): void {
  if (plan.request.isPaused) return;
  stopAtDecidingText(qmp, plan);
  qmp.execute("cont", undefined, { timeoutMs: qmp.answerTimeoutMs }).catch(() => {
    // A quick guest takes the emulator away with it before this is answered; `running` and `exited` tell the rest.
  });
}

/** The guest has been let go, and QMP has answered. */
export async function begun(
  qmp: QmpClient,
  plan: Omit<BootPlan, "firmware">,
  connectPins: (() => Promise<void>) | undefined,
): Promise<void> {
  await connectPins?.();
  goOn(qmp, plan);
  await qmp.ready;
}

/** A slot that could not be emptied after its last guest must not show its remains to the next. */
export async function sweep(slot: Slot): Promise<void> {
  try {
    await slot.sweep();
  } catch (cause) {
    const detail = `the folder of slot ${slot.index} cannot be emptied: ${(cause as Error).message}`;
    throw new FarmError("EmulatorStartFailed", { detail }, { cause });
  }
}
