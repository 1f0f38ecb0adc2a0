import { FarmError } from "../core/error/farm-error.ts";

/**
 * Tells once what an interruption stops, and that a second Ctrl-C waits for nothing (main.ts). Nothing is said where
 * nobody interrupted, such as when the output was closed.
 */
export function tellInterruption(signal: AbortSignal, say: (text: string) => void, stopping: string): Disposable {
  const tell = () => {
    const text = interruptionText(signal.reason, stopping);
    if (text !== undefined) say(text);
  };
  if (signal.aborted) tell();
  else signal.addEventListener("abort", tell, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", tell) };
}

function interruptionText(reason: unknown, stopping: string): string | undefined {
  const how = reason instanceof FarmError ? String(reason.details.reason) : "";
  if (!how.startsWith("SIG")) return undefined;
  return how === "SIGINT" ? `${stopping}; Ctrl-C again ends at once, by force` : stopping;
}
