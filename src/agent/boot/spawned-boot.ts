import type { GuestRam } from "../emulator/emulator-arguments.ts";
import type { BoardEmulator } from "../emulator/emulators.ts";
import type { Boot, BootRequest } from "./boot.ts";
import { type BootParts, begun, madeBoot, sweep } from "./boot-parts.ts";
import { prepareFirmware } from "./flash-image.ts";

interface SpawnOptions {
  readonly ram?: GuestRam | undefined;
  readonly onDisposed?: () => void;
}

/** A boot in a process of its own, started with its image. Nothing waits in the slot any more. */
export async function spawnedBoot(
  parts: BootParts,
  request: BootRequest,
  emulator: BoardEmulator,
  { ram, onDisposed }: SpawnOptions = {},
): Promise<Boot> {
  await sweep(request.slot);
  const firmware = request.firmware && (await prepareFirmware(request, request.firmware));
  const live = await parts.launcher.launch({ ...request, firmware, ram }, emulator, "image");
  return madeBoot(parts, {
    strategy: "spawn",
    request,
    live,
    begin: (qmp, connectPins) => begun(qmp, { request, emulator }, connectPins),
    ...(onDisposed && { onDisposed }),
  });
}
