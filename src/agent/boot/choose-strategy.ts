import { FarmError } from "../../core/error/farm-error.ts";
import type { BootStrategyName } from "../../core/schema/boot-strategy.ts";
import type { BoardEmulator } from "../emulator/emulators.ts";
import type { BootRequest } from "./boot.ts";
import { canBeAwaited, canBeRecycledInto } from "./given-firmware.ts";

/** Cheapest first: what `auto` means. */
const BY_COST = ["recycle", "spare"] as const;

type Candidate = (typeof BY_COST)[number];

/**
 * The way to boot: the one that is asked for, or the cheapest that the board is proven for and that can be had here.
 * @throws {FarmError} NotSupportedByBoard
 */
export function chooseStrategy(request: BootRequest, emulator: BoardEmulator): BootStrategyName {
  const { strategy, board, boardName, network } = request;
  if (network !== "none" && board.network === undefined) {
    throw notSupported(`network: ${network}`, boardName, "it has no network device");
  }
  if (strategy === "spawn") return "spawn";
  if (strategy === "auto") return BY_COST.find((one) => obstacle(one, request, emulator) === undefined) ?? "spawn";
  const problem = isCandidate(strategy) ? obstacle(strategy, request, emulator) : "the agent cannot do that yet";
  if (problem !== undefined) throw notSupported(`strategy: ${strategy}`, boardName, problem);
  return strategy;
}

/** Why a strategy cannot be used; undefined: it can. */
function obstacle(strategy: Candidate, request: BootRequest, { info }: BoardEmulator): string | undefined {
  const { board, firmware, network } = request;
  const { proven, unproven } = board.boot;
  if (!proven.includes(strategy)) return unproven[strategy] ?? "the board is not proven for it";
  if (firmware === undefined) return "there is no firmware";
  switch (strategy) {
    case "recycle":
      if (info.farmRevision === undefined) return "it takes the farm's own QEMU (npm run qemu)";
      // Connections of the network would outlive the guest that made them.
      if (network !== "none") return "a guest with a network needs a process of its own";
      return canBeRecycledInto(board, firmware.format) ? undefined : `not with firmware of format ${firmware.format}`;
    case "spare":
      return canBeAwaited(board, firmware.format) ? undefined : "its flash is opened when the emulator starts";
  }
}

function isCandidate(strategy: BootStrategyName): strategy is Candidate {
  return (BY_COST as readonly string[]).includes(strategy);
}

function notSupported(what: string, board: string, problem: string): FarmError {
  return new FarmError("NotSupportedByBoard", { what, board, problem });
}
