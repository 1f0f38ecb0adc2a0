import type { UartLog } from "../../core/wire/attempt.ts";
import type { UartHub } from "../uart/uart-hub.ts";

/** The logs of UARTs that have ended, as a result carries them. */
export function uartLogs(hubs: readonly UartHub[]): UartLog[] {
  return hubs.map(({ name, log }) => {
    const bytes = log.inline();
    return {
      uart: name,
      bytes: log.totalBytes,
      keptBytes: log.keptBytes,
      ...(bytes && { base64: bytes.toString("base64") }),
    };
  });
}
