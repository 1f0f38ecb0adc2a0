import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Log } from "../log/log.ts";
import type { AgentConfig } from "./config.ts";
import { DEFAULT_SLOT_UID_BASE } from "./slot/open-slots.ts";

/** Ranges of user ids, one for each agent of a machine. */
const RANGES = 1_000;
const RANGE_SIZE = 256;
const OTHERS_MAY_PASS = 0o001;

/**
 * First user id of the slots, or undefined where they run as the agent does: it is not root, or a folder on the way to
 * these ones is closed to other users.
 */
export async function chooseSlotUids(
  { runtimeFolder, slotUidBase }: Pick<AgentConfig, "runtimeFolder" | "slotUidBase">,
  folders: readonly string[],
  log: Log,
): Promise<number | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const folder of folders) {
    const closed = await closedOnTheWay(folder);
    if (closed === undefined) continue;
    log.warn({ folder: closed }, "emulators run as root: this folder is closed to other users");
    return undefined;
  }
  if (slotUidBase !== undefined) return slotUidBase;
  // Agents that share a machine have runtime folders of their own.
  const range = createHash("sha256").update(runtimeFolder).digest().readUInt32BE() % RANGES;
  return DEFAULT_SLOT_UID_BASE + range * RANGE_SIZE;
}

/** The folder on the way that other users cannot pass, if there is one. */
async function closedOnTheWay(folder: string): Promise<string | undefined> {
  const { mode } = await stat(folder);
  if ((mode & OTHERS_MAY_PASS) === 0) return folder;
  const parent = dirname(folder);
  return parent === folder ? undefined : closedOnTheWay(parent);
}
