import { lstat, mkdir, stat } from "node:fs/promises";
import { FarmError } from "../../core/error/farm-error.ts";

/**
 * Makes the folder that runtime folders lie in, and sees that nobody else can change what is in it.
 * @throws {FarmError} Forbidden where it belongs to somebody else
 */
export async function makeRuntimeBase(folder: string, uid: number): Promise<void> {
  // Emulators that run under uids of their own pass through to their slots.
  await mkdir(folder, { recursive: true, mode: uid === 0 ? 0o711 : 0o700 });
  // Anybody may have made a folder of this name under /tmp before us, or a link, which could lead elsewhere later.
  const owners = [await lstat(folder), await stat(folder)].map((found) => found.uid);
  if (owners.every((owner) => owner === uid || owner === 0)) return;
  const problem = `${folder} belongs to another user; choose another folder: EMUFARM_RUNTIME_DIR`;
  throw new FarmError("Forbidden", { problem });
}
