import { FarmError } from "../../core/error/farm-error.ts";
import type { BoardSpec } from "../../core/schema/board.ts";
import { compilePattern } from "../../pattern/pattern.ts";
import { createPatternSet } from "../../pattern/pattern-scanner.ts";
import type { UartHub } from "../uart/uart-hub.ts";

export interface ReadyWatchOptions {
  readonly board: BoardSpec;
  readonly hubs: readonly UartHub[];
  onReady(): void;
  /** The pattern costs more than patterns may. */
  onError(error: FarmError): void;
}

/** Watches for the board's ready pattern, where it has one. Returns how to stop. @throws {FarmError} InvalidPattern */
export function watchReady(options: ReadyWatchOptions): () => void {
  const { ready } = options.board;
  const hub = options.hubs.find((one) => one.name === ready?.uart);
  if (!ready || !hub) return () => {};
  const scanner = createPatternSet([compilePattern({ regex: ready.pattern })]).createScanner();
  const stop = hub.onData((chunk) => {
    try {
      if (scanner.feed(chunk).length === 0) return;
      stop();
      options.onReady();
    } catch (error) {
      stop();
      options.onError(FarmError.from(error));
    }
  });
  return stop;
}
