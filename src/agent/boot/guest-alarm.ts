import { FarmError } from "../../core/error/farm-error.ts";
import type { QmpSession } from "../qmp/qmp-session.ts";
import { refusal } from "./exit-classification.ts";

/** Commands and event of the farm's own QEMU (images/qemu). */
const QUERY = "__dev.emufarm_query-guest-time";
const SET = "__dev.emufarm_set-alarm";
const CANCEL = "__dev.emufarm_cancel-alarm";
const ALARM = "__dev.emufarm_ALARM";

const NS_PER_MS = 1e6;

export interface GuestAlarm {
  /** No other alarm of the emulator has it. */
  readonly id: string;
  /** Milliseconds of the guest's time from now. */
  readonly afterMs: number;
  onReached(): void;
  /** The emulator did not take it. */
  onRefused(error: FarmError): void;
}

/**
 * Calls back once so much of the guest's time has passed: it stands still while the CPU does, and ends with the boot.
 * Returns how to take it back.
 */
export function setGuestAlarm(qmp: QmpSession, { id, afterMs, onReached, onRefused }: GuestAlarm): () => void {
  let isOver = false;
  const end = () => {
    isOver = true;
    stopListening();
  };
  const stopListening = qmp.onEvent(({ event, data }) => {
    if (event !== ALARM || data.id !== id) return;
    end();
    onReached();
  });
  const cancel = () => {
    // It may have gone off on the way, or its emulator has ended: either is as good.
    qmp.execute(CANCEL, { id }).catch(() => {});
  };
  const set = async () => {
    const { "virtual-ns": now } = (await qmp.execute(QUERY)) as { "virtual-ns": number };
    if (isOver) return;
    await qmp.execute(SET, { id, "virtual-ns": now + Math.round(afterMs * NS_PER_MS) });
    if (isOver) cancel();
  };
  set().catch((error: unknown) => {
    const wasAwaited = !isOver;
    end();
    // An emulator that has gone tells by its end.
    if (wasAwaited && refusal(error) !== undefined) onRefused(FarmError.from(error));
  });
  return () => {
    if (isOver) return;
    end();
    cancel();
  };
}
