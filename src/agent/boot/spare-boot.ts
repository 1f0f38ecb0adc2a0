import type { QmpClient } from "../qmp/qmp-client.ts";
import type { Boot } from "./boot.ts";
import { type BootParts, type BootPlan, goOn, madeBoot, sweep } from "./boot-parts.ts";
import { awaitedFirmware, machineFirmware, placeAwaited } from "./given-firmware.ts";
import { spawnedBoot } from "./spawned-boot.ts";

/** A boot in a process that was started ahead, and has waited before it made its machine. */
export async function spareBoot(parts: BootParts, { request, emulator, firmware }: BootPlan): Promise<Boot> {
  const { launcher, standby, spareAfterMs } = parts;
  const { slot, tenant, board, boardName } = request;
  const awaited = { ...request, firmware: awaitedFirmware(firmware.format) };
  const key = launcher.keyOf(awaited, emulator, "preconfig");
  const onDisposed = () =>
    standby.keepLater(slot, spareAfterMs, async () => {
      await sweep(slot);
      const live = await launcher.launch(awaited, emulator, "preconfig");
      return { live, key, boardName, tenant: undefined };
    });
  const waiting = await standby.take(slot, { tenant, key });
  if (!waiting) return spawnedBoot(parts, request, emulator, { onDisposed });
  await placeAwaited(board, firmware, slot);
  const begin = async (qmp: QmpClient, connectPins: (() => Promise<void>) | undefined) => {
    const told = Object.entries(machineFirmware(board, firmware)).map(([property, value]) =>
      qmp.execute("qom-set", { path: "/machine", property, value }),
    );
    const made = qmp.execute("x-exit-preconfig", undefined, { timeoutMs: qmp.answerTimeoutMs });
    if (connectPins === undefined) goOn(qmp, { request, emulator });
    await Promise.all([...told, made]);
    if (connectPins === undefined) return;
    await connectPins();
    goOn(qmp, { request, emulator });
  };
  return madeBoot(parts, { strategy: "spare", request, live: waiting.live, begin, onDisposed });
}
