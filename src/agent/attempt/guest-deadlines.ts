import type { FarmError } from "../../core/error/farm-error.ts";
import { setGuestAlarm } from "../boot/guest-alarm.ts";
import type { QmpSession } from "../qmp/qmp-session.ts";

interface Deadline {
  readonly id: string;
  readonly afterMs: number;
  onPassed(): void;
  takeBack(): void;
}

/** Deadlines in the time of a guest, over all its boots. Each boot's time begins at nothing, and they with it. */
export class GuestDeadlines {
  readonly #onRefused: (error: FarmError) => void;
  readonly #deadlines = new Set<Deadline>();
  #qmp: QmpSession | undefined;
  #count = 0;

  /** @param onRefused told where the emulator does not take a deadline */
  constructor(onRefused: (error: FarmError) => void) {
    this.#onRefused = onRefused;
  }

  /** A boot runs. */
  begin(qmp: QmpSession): void {
    this.#qmp = qmp;
    for (const deadline of this.#deadlines) this.#set(deadline, qmp);
  }

  /** Calls back once so much of the guest's time has passed since now, or since its last power-on. Returns how to take it back. */
  set(afterMs: number, onPassed: () => void): () => void {
    this.#count += 1;
    const deadline: Deadline = { id: `deadline-${this.#count}`, afterMs, onPassed, takeBack: () => {} };
    this.#deadlines.add(deadline);
    if (this.#qmp) this.#set(deadline, this.#qmp);
    return () => {
      this.#deadlines.delete(deadline);
      deadline.takeBack();
    };
  }

  #set(deadline: Deadline, qmp: QmpSession): void {
    const { id, afterMs, onPassed } = deadline;
    deadline.takeBack = setGuestAlarm(qmp, {
      id,
      afterMs,
      onReached: () => {
        this.#deadlines.delete(deadline);
        onPassed();
      },
      onRefused: this.#onRefused,
    });
  }
}
