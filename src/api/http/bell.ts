/** Wakes one waiter; a ring while nobody waits is not lost. */
export function createBell(signal: AbortSignal) {
  let hasRung = false;
  let wake: (() => void) | undefined;
  const ring = () => {
    hasRung = true;
    wake?.();
  };
  signal.addEventListener("abort", ring);
  return {
    ring,
    stop: () => signal.removeEventListener("abort", ring),
    /** False when the time was up first. */
    async wait(ms: number): Promise<boolean> {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, ms);
      wake = resolve;
      if (!hasRung) await promise;
      clearTimeout(timer);
      wake = undefined;
      const rang = hasRung;
      hasRung = false;
      return rang;
    },
  };
}
