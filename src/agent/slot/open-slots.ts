import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { reapOrphans } from "./orphans.ts";
import { Slot } from "./slot.ts";

/**
 * First user id of the slots where the agent is root. Above what distributions give to users and services, below
 * what they hand out to containers; no account needs to exist for it.
 */
export const DEFAULT_SLOT_UID_BASE = 65_600;

export interface OpenSlotsOptions {
  /** Folder of this agent's slots, in its runtime folder; no other agent may use it. */
  readonly folder: string;
  readonly count: number;
  /** User id of the first slot, the others follow; undefined: the agent is not root, emulators run as it does. */
  readonly uidBase: number | undefined;
}

/** Ends what a killed predecessor has left running, then makes the slots anew. */
export async function openSlots({ folder, count, uidBase }: OpenSlotsOptions): Promise<Slot[]> {
  await reapOrphans(folder);
  await mkdir(folder, { recursive: true });
  // Emulators of slots with their own user pass through; each slot's own folder is closed to all others.
  await chmod(folder, 0o711);
  return Promise.all(
    Array.from({ length: count }, (_, index) =>
      Slot.open({
        index,
        folder: join(folder, String(index)),
        uid: uidBase === undefined ? undefined : uidBase + index,
      }),
    ),
  );
}
