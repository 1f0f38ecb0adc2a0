import type { BackOff } from "./back-off.ts";

export interface FollowedEvents<Event> {
  /** Opens the stream anew; it ends by throwing. */
  readonly open: () => AsyncIterable<Event>;
  /** Must not throw. */
  readonly onEvent: (event: Event) => void;
  /** The stream has broken, or could not be opened, for whatever reason. Must not throw. */
  readonly onBroken: (error: unknown) => void;
  /** Ends it all. */
  readonly signal: AbortSignal;
  /** Between tries that bring nothing. */
  readonly backOff: BackOff;
}

/** Follows a stream of events until the signal aborts: it is opened again whenever it breaks. Never throws. */
export async function followEvents<Event>(options: FollowedEvents<Event>): Promise<void> {
  const { open, onEvent, onBroken, signal, backOff } = options;
  while (!signal.aborted) {
    try {
      for await (const event of open()) {
        if (signal.aborted) return;
        onEvent(event);
        backOff.reset();
      }
    } catch (error) {
      // Whatever the reason, the way on is the same: connect again, and hear how things stand.
      if (signal.aborted) return;
      onBroken(error);
    }
    // Interrupted by the signal, which the loop sees.
    await backOff.pause(signal).catch(() => {});
  }
}
