import { chardevOf } from "../emulator/emulator-arguments.ts";
import type { QmpClient } from "../qmp/qmp-client.ts";
import type { BootPlan } from "./boot-parts.ts";

/** Command and event of the farm's own QEMU (images/qemu). */
const STOP_AT_TEXT = "__dev.emufarm_stop-at-text";
export const STOPPED_AT_TEXT = "__dev.emufarm_STOPPED_AT_TEXT";

/**
 * Sent ahead of what lets the guest go: as soon as it has written the text that decides its test it stands still, where
 * the emulator can see to that. Elsewhere it goes on until somebody has read the text.
 */
export function stopAtDecidingText(qmp: QmpClient, { request, emulator }: Omit<BootPlan, "firmware">): void {
  const { board, decidingText, gpio } = request;
  if (decidingText === undefined || emulator.info.farmRevision === undefined) return;
  // What its pins have done is asked for after the text has come: the guest goes on meanwhile, as elsewhere.
  if (gpio?.isWanted) return;
  const { text, uart } = decidingText;
  const args = { text, ...(uart !== undefined && { chardev: chardevOf(board, uart) }) };
  qmp.execute(STOP_AT_TEXT, args, { timeoutMs: qmp.answerTimeoutMs }).catch(() => {
    // An older build, whose guests go on; or an emulator that has gone, which `exited` tells.
  });
}
