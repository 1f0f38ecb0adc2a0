import { FarmError } from "../../core/error/farm-error.ts";
import { SEMIHOSTING_CHANNEL } from "../../core/policy/text-channels.ts";
import type { BootStrategyName } from "../../core/schema/boot-strategy.ts";
import type { BoardEmulator } from "../emulator/emulators.ts";
import { compareVersions } from "../emulator/version.ts";
import type { BootRequest } from "./boot.ts";
import { canBeAwaited, canBeRecycledInto } from "./given-firmware.ts";

/** Cheapest first: what `auto` means. */
const BY_COST = ["recycle", "template", "snapshot", "spare"] as const;

type Candidate = (typeof BY_COST)[number];

/** Of these, what `live` means: nobody waits for another guest before this one begins. */
const LIVE: readonly Candidate[] = ["recycle", "spare"];

const TAKES_FARM_QEMU = "it takes the farm's own QEMU, which npm run qemu builds";

/** First version that writes the state of a guest into a file (migration to file:). */
const SNAPSHOT_VERSION = "8.2";

/**
 * The way to boot: the one that is asked for, or the cheapest that the board is proven for and that can be had here.
 * @throws {FarmError} NotSupportedByBoard, NotSupportedHere
 */
export function chooseStrategy(request: BootRequest, emulator: BoardEmulator): BootStrategyName {
  const { strategy, board, boardName, network } = request;
  if (network !== "none" && board.network === undefined) {
    throw notSupported(`network: ${network}`, boardName, "it has no network device");
  }
  refuseWithoutFarmQemu(request, emulator);
  if (strategy === "spawn") return "spawn";
  if (strategy === "auto" || strategy === "live") {
    const candidates = strategy === "live" ? LIVE : BY_COST;
    return candidates.find((one) => !obstacle(one, request) && !lack(one, emulator)) ?? "spawn";
  }
  const what = `strategy: ${strategy}`;
  const problem = obstacle(strategy, request);
  if (problem !== undefined) throw notSupported(what, boardName, problem);
  const lacking = lack(strategy, emulator);
  if (lacking !== undefined) throw new FarmError("NotSupportedHere", { what, board: boardName, problem: lacking });
  return strategy;
}

/** @throws {FarmError} NotSupportedHere */
function refuseWithoutFarmQemu({ boardName, ...needed }: BootRequest, { info }: BoardEmulator): void {
  if (info.farmRevision !== undefined) return;
  const needs = { "clock: guest": needed.needsGuestTime, [`uart: ${SEMIHOSTING_CHANNEL}`]: needed.needsSemihosting };
  for (const [what, isNeeded] of Object.entries(needs)) {
    if (isNeeded) throw new FarmError("NotSupportedHere", { what, board: boardName, problem: TAKES_FARM_QEMU });
  }
}

/** What a strategy takes that the emulator here has not; undefined: nothing. */
function lack(strategy: Candidate, { info }: BoardEmulator): string | undefined {
  if (strategy === "spare") return undefined;
  if (strategy === "recycle") {
    return info.farmRevision === undefined ? TAKES_FARM_QEMU : undefined;
  }
  if (compareVersions(info.version, SNAPSHOT_VERSION) >= 0) return undefined;
  return `it takes QEMU ${SNAPSHOT_VERSION} or later, and this is ${info.version}`;
}

/** Why board or job rule a strategy out; undefined: they do not. */
function obstacle(strategy: Candidate, request: BootRequest): string | undefined {
  const { board, firmware, network, gpio } = request;
  const { proven, unproven } = board.boot;
  const problem = request.hasDisplay ? displayObstacle(strategy, board) : undefined;
  if (problem !== undefined) return problem;
  if (!proven.includes(strategy)) return unproven[strategy] ?? "the board is not proven for it";
  if (firmware === undefined) return "there is no firmware";
  if (request.drives && request.drives.length > 0) return "its storage is opened when the emulator starts";
  switch (strategy) {
    case "recycle":
      // Connections of the network would outlive the guest that made them.
      if (network !== "none") return "a guest with a network needs a process of its own";
      return canBeRecycledInto(board, firmware.format) ? undefined : `not with firmware of format ${firmware.format}`;
    case "template":
    case "snapshot":
      if (board.ready === undefined) return "neither the job nor the board has a ready pattern";
      if (gpio?.isWanted) return "the levels of its pins are not in the state of a guest";
      if (network !== "none") return "a guest with a network needs a process of its own";
      return firmware.identity === undefined ? "nobody knows what the firmware is" : undefined;
    case "spare":
      return canBeAwaited(board, firmware.format) ? undefined : "its flash is opened when the emulator starts";
  }
}

function displayObstacle(strategy: Candidate, { display }: BootRequest["board"]): string | undefined {
  if (!display) return undefined;
  // Its VNC would be there before the machine, and in QEMU 10 never see the display of that.
  if (strategy === "spare") return "a display is looked at from the emulator's start";
  return display.device === undefined ? undefined : "the board is not proven for it with its display";
}

function notSupported(what: string, board: string, problem: string): FarmError {
  return new FarmError("NotSupportedByBoard", { what, board, problem });
}
