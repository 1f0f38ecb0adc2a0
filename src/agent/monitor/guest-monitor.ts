import type { Guest } from "../guest/guest.ts";
import { runningQmp } from "../guest/running-qmp.ts";
import { isTouchingDevices } from "./hmp-allow-list.ts";
import { askMonitor } from "./monitor.ts";

/** Asks the monitor of a guest's emulator. @throws {FarmError} BoardOff, MonitorCommandRefused, QmpFailed */
export async function askGuestMonitor(guest: Pick<Guest, "boot" | "spoil">, line: string, cpu?: number) {
  const qmp = runningQmp(guest, "the monitor");
  if (isTouchingDevices(line)) guest.spoil();
  return await askMonitor(qmp, line, cpu);
}
