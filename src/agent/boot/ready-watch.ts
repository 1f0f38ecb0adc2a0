import { FarmError } from "../../core/error/farm-error.ts";
import type { BoardSpec } from "../../core/schema/board.ts";
import { compilePattern } from "../../pattern/pattern.ts";
import { createPatternSet } from "../../pattern/pattern-scanner.ts";

/** A ready pattern as errors name it. */
export function readyInWords({ uart, pattern }: NonNullable<BoardSpec["ready"]>): string {
  return `its ready pattern ${JSON.stringify(pattern)} on ${uart}`;
}

export interface WatchedUart {
  readonly name: string;
  /** Returns how to stop. */
  onData(listener: (chunk: Buffer) => void): () => void;
}

export interface ReadyWatchOptions {
  readonly board: BoardSpec;
  /** Where the board's UARTs can be listened to. */
  readonly uarts: readonly WatchedUart[];
  onReady(): void;
  /** The pattern costs more than patterns may. */
  onError(error: FarmError): void;
}

/** Watches for the board's ready pattern, where it has one. Returns how to stop. @throws {FarmError} InvalidPattern */
export function watchReady(options: ReadyWatchOptions): () => void {
  const { ready } = options.board;
  const uart = options.uarts.find((one) => one.name === ready?.uart);
  if (!ready || !uart) return () => {};
  const scanner = createPatternSet([compilePattern({ regex: ready.pattern })]).createScanner();
  const stop = uart.onData((chunk) => {
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
