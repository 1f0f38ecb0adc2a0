import { SEMIHOSTING_CHANNEL } from "../../core/policy/text-channels.ts";
import type { UartLog } from "../../core/wire/attempt.ts";
import type { UartHub } from "../uart/uart-hub.ts";

/** The logs of UARTs that have ended, as a result carries them; that of semihosting where the guest has used it. */
export function uartLogs(hubs: readonly UartHub[]): UartLog[] {
  const told = hubs.filter(({ name, log }) => name !== SEMIHOSTING_CHANNEL || log.totalBytes > 0);
  return told.map(({ name, log }) => {
    const bytes = log.inline();
    return {
      uart: name,
      bytes: log.totalBytes,
      keptBytes: log.keptBytes,
      ...(bytes && { base64: bytes.toString("base64") }),
    };
  });
}
