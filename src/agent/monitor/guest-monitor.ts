import type { Guest } from "../guest/guest.ts";
import { type BootedGuest, runningBoot } from "../guest/running-boot.ts";
import { isTouchingDevices } from "./hmp-allow-list.ts";
import { askMonitor } from "./monitor.ts";

/** Asks the monitor of a guest's emulator. @throws {FarmError} BoardOff, MonitorCommandRefused, QmpFailed */
export async function askGuestMonitor(guest: BootedGuest & Pick<Guest, "spoil">, line: string, cpu?: number) {
  const { qmp } = await runningBoot(guest, "the monitor");
  if (isTouchingDevices(line)) guest.spoil();
  return await askMonitor(qmp, line, cpu);
}
